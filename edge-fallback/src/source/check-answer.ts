import type { EdgeFailure } from '@nearcast/peer-core'
import { retryAfterMs } from './backoff.ts'
import type { HttpAnswer } from './http-get.ts'

/** What was asked, as far as an answer must fit it. Offsets are of the resource. */
export interface Asked {
  /** The Range that was sent, `to` 0 for the end; null without. */
  readonly range: { readonly from: number; readonly to: number } | null
  /** First byte that is still wanted. */
  readonly position: number
  /** End of what is wanted, 0 for the end of the resource. */
  readonly to: number
}

export type Checked =
  | {
      readonly type: 'body'
      /** Where in the resource the body begins. */
      readonly offset: number
      /** Where in the resource it must end, 0 unknown. */
      readonly end: number
      /** Whole resource in bytes, 0 unknown. */
      readonly total: number
      /** Strong validator, or ''. */
      readonly etag: string
      /** Content-Length may be that of an encoding we cannot see, see `transfer.ts`. */
      readonly encodingHidden: boolean
    }
  /** The resource ends at `position`: there are no further bytes. */
  | { readonly type: 'complete'; readonly etag: string; readonly total: number }
  | {
      readonly type: 'fail'
      readonly reason: Exclude<EdgeFailure, 'aborted'>
      readonly detail: string
      /** Another attempt, here or at another base, may go better. */
      readonly again: 'here' | 'elsewhere' | 'never'
      readonly afterMs: number
    }

/** Holds the head of an answer against what was asked. Pure: no byte of the body has been read. */
export function checkAnswer(
  answer: Pick<HttpAnswer, 'status' | 'header' | 'crossOrigin'>,
  asked: Asked,
): Checked {
  const { status } = answer
  if (status === 206) return checkPartial(answer, asked)
  if (status === 200) return checkWhole(answer, asked)
  if (status === 416) return checkUnsatisfiable(answer, asked)
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const afterMs = retryAfterMs(answer.header('retry-after'))
    return { type: 'fail', reason: 'busy', detail: `status ${status}`, again: 'here', afterMs }
  }
  if (status >= 400) return fail('status', `status ${status}`, 'elsewhere')
  // 0 is an opaque response: a no-cors request that the page's own hook made.
  return status === 0 ? fail('network', 'opaque response', 'never') : mismatch(`status ${status}`)
}

function checkWhole(answer: Pick<HttpAnswer, 'header' | 'crossOrigin'>, asked: Asked): Checked {
  const encoded = isEncoded(answer)
  const length = answer.header('content-length')
  // The length of an encoded body says nothing about the bytes that fetch hands out (RFC 9110 §8.4).
  const total = encoded || length === null ? 0 : count(length)
  if (total < 0) return mismatch(`Content-Length ${length}`)
  if (total > 0 && (asked.to > total || asked.position > total)) {
    return mismatch(`resource of ${total} bytes, bytes to ${asked.to || asked.position} expected`)
  }
  return {
    type: 'body',
    offset: 0,
    end: total,
    total,
    etag: encoded ? '' : strongEtag(answer.header('etag')),
    encodingHidden: answer.crossOrigin && !encoded && length !== null,
  }
}

function checkPartial(answer: Pick<HttpAnswer, 'header'>, { range, to }: Asked): Checked {
  if (!range) return mismatch('206 without having asked for a range')
  if (isEncoded(answer)) return mismatch('range of an encoded body')
  const header = answer.header('content-range')
  // Cross-origin and not exposed: the server's word that these are the bytes is all there is, and their count.
  const match = /^\s*bytes\s+(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)\s*$/i.exec(
    header ?? presumed(range, answer.header('content-length')),
  )
  if (!match) return mismatch(header === null ? '206 without a visible length' : `Content-Range ${header}`)
  const offset = Number(match[1])
  const end = Number(match[2]) + 1
  const total = match[3] === '*' ? 0 : Number(match[3])
  if (offset !== range.from || end <= offset) return mismatch(`Content-Range ${header}, ${range.from} asked`)
  if (total > 0 && end > total) return mismatch(`Content-Range ${header}`)
  if (range.to > 0 ? end !== range.to : total > 0 && end !== total) {
    return mismatch(`Content-Range ${header}, bytes to ${range.to || 'the end'} asked`)
  }
  const length = answer.header('content-length')
  if (length !== null && count(length) !== end - offset) {
    return mismatch(`Content-Length ${length} under Content-Range ${header}`)
  }
  if (to > 0 && end > to) return mismatch(`Content-Range ${header}, bytes to ${to} wanted`)
  return { type: 'body', offset, end, total, etag: strongEtag(answer.header('etag')), encodingHidden: false }
}

function presumed(range: { readonly from: number; readonly to: number }, length: string | null): string {
  const size = length === null ? (range.to > 0 ? range.to - range.from : -1) : count(length)
  return size > 0 ? `bytes ${range.from}-${range.from + size - 1}/*` : ''
}

/** RFC 9110 §15.5.17: nothing lies at the asked offset. */
function checkUnsatisfiable(answer: Pick<HttpAnswer, 'header'>, { range, position, to }: Asked): Checked {
  const match = /^\s*bytes\s+\*\/(\d{1,15})\s*$/i.exec(answer.header('content-range') ?? '')
  if (
    match &&
    range &&
    to === 0 &&
    range.from > 0 &&
    Number(match[1]) === position &&
    range.from === position
  ) {
    return { type: 'complete', etag: strongEtag(answer.header('etag')), total: position }
  }
  return mismatch(`nothing at byte ${range?.from ?? 0}${match ? ` of ${match[1]}` : ''}`)
}

/** The validator when it is strong (RFC 9110 §8.8.1: only those prove equal bytes), else ''. */
function strongEtag(header: string | null): string {
  return header !== null && /^"[^"]*"$/.test(header.trim()) ? header.trim() : ''
}

function isEncoded(answer: Pick<HttpAnswer, 'header'>): boolean {
  const encoding = answer.header('content-encoding')?.trim().toLowerCase()
  return encoding !== undefined && encoding !== '' && encoding !== 'identity'
}

/** −1 when it is no count. */
function count(text: string): number {
  return /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : -1
}

function fail(
  reason: Exclude<EdgeFailure, 'aborted'>,
  detail: string,
  again: 'here' | 'elsewhere' | 'never',
): Checked {
  return { type: 'fail', reason, detail, again, afterMs: 0 }
}

function mismatch(detail: string): Checked {
  return fail('mismatch', detail, 'elsewhere')
}
