import type { ByteRange } from '@nearcast/peer-core'

/** Something that can be served: bytes, and what HTTP says about them. */
export interface Resource {
  /** Bytes in all, null while unknown. */
  readonly size: number | null
  /** Strong validator, quotes included, or ''. */
  readonly etag: string
  /** Last change as wall time in ms, or null. */
  readonly modifiedMs: number | null
  readonly type: string
  /** The bytes are this encoding of the content, chosen for who asked (RFC 9110 §8.4). */
  readonly encoding?: 'gzip'
  /** Others may be given another encoding of it. */
  readonly varies?: true
  /** Cache-Control for clients. */
  readonly cacheControl: string
  /** Equal identities mean equal bytes: the key under which digests are kept. */
  readonly identity: string
  /** The bytes, or a part of them. Errors when they cannot be read to the end; cancelling frees what it holds. */
  read(range: ByteRange | null): ReadableStream<Uint8Array>
}

/** Why there is no resource, as an HTTP status. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 410 | 429 | 500 | 502 | 503 | 504
  readonly retryAfter?: string
}

/** What is looked for. `url` is absolute; its host means nothing. */
export interface Quest {
  readonly url: URL
  /** The Range header as it came, or null: a hint for sources that fetch no more than is asked for. */
  readonly range: string | null
  readonly head: boolean
  /** The Accept-Encoding header as it came, or null. */
  readonly acceptEncoding: string | null
  readonly signal: AbortSignal
}

/** A place where resources are found: a directory, an origin, a live channel. */
export interface Library {
  find(quest: Quest): Promise<Resource | Refusal>
  close?(): Promise<void>
}

export function isRefusal<T extends object>(found: T | Refusal): found is Refusal {
  return 'status' in found
}

/** A resource that is all in memory. */
export function memoryResource(
  bytes: Uint8Array<ArrayBuffer>,
  about: Pick<Resource, 'etag' | 'modifiedMs' | 'type' | 'cacheControl' | 'identity'>,
): Resource {
  return {
    ...about,
    size: bytes.length,
    read: range =>
      new ReadableStream({
        start(controller) {
          const part = range ? bytes.subarray(range.from, range.to) : bytes
          if (part.length > 0) controller.enqueue(part)
          controller.close()
        },
      }),
  }
}

/** All of it, or null when it is longer than `limit`. */
export async function readAll(resource: Resource, limit: number): Promise<Buffer<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of resource.read(null)) {
    size += chunk.length
    if (size > limit) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
