import { stageBody } from './body-stream.ts'
import type { Answer } from './respond.ts'

/** Trouble for tests and labs. */
export type Fault =
  /** This status instead of an answer. */
  | { readonly type: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** The answer, later. */
  | { readonly type: 'delay'; readonly ms: number }
  /** The connection breaks after so many bytes of the body. */
  | { readonly type: 'cut'; readonly afterBytes: number }
  /** Nothing more comes after so many bytes, and the connection stays open. */
  | { readonly type: 'hang'; readonly afterBytes: number }
  /** One bit of this byte of the body is wrong. */
  | { readonly type: 'flip'; readonly atByte: number }

export interface FaultQuest {
  readonly path: string
  readonly method: string
  readonly range: string | null
  readonly client: string
}

/** Decides for each request; null: no trouble. */
export type FaultHook = (quest: FaultQuest) => Fault | null

/** Puts the trouble into an answer's body. */
export function spoil(answer: Answer, fault: Fault): Answer {
  if (!answer.body) return answer
  switch (fault.type) {
    case 'status':
    case 'delay':
      return answer
    case 'cut':
      return { ...answer, body: limit(answer.body, fault.afterBytes, () => Promise.reject(new Error('cut'))) }
    case 'hang':
      return { ...answer, body: limit(answer.body, fault.afterBytes, () => new Promise(() => {})) }
    case 'flip':
      return {
        ...answer,
        body: stageBody(answer.body, {
          onChunk(chunk, offset) {
            const at = fault.atByte - offset
            if (at < 0 || at >= chunk.length) return chunk
            const wrong = chunk.slice()
            wrong[at]! ^= 1
            return wrong
          },
        }),
      }
  }
}

function limit(
  body: ReadableStream<Uint8Array>,
  bytes: number,
  end: () => Promise<Uint8Array>,
): ReadableStream<Uint8Array> {
  return stageBody(body, {
    onChunk: (chunk, offset) => (offset >= bytes ? end() : chunk.subarray(0, bytes - offset)),
  })
}
