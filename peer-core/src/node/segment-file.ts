import type { StoredSegment } from '../ports.ts'

/** What a segment's file says of itself. */
export interface SegmentHeader {
  readonly segment: StoredSegment
  /** Bytes that follow the header. */
  readonly length: number
  /** Of those bytes, 64 hex digits. */
  readonly sha256: string
  /** Later puts have higher numbers. */
  readonly order: number
}

/** First line of each file; the second is the header as JSON. */
const magic = 'nearcast-segment 1\n'

export function sealHeader(header: SegmentHeader): Buffer {
  return Buffer.from(`${magic}${JSON.stringify(header)}\n`)
}

/** From the first bytes of a file; null when it is none of ours. Any bytes may be given. */
export function parseHeader(start: Buffer): { header: SegmentHeader; offset: number } | null {
  if (start.subarray(0, magic.length).toString('latin1') !== magic) return null
  const end = start.indexOf(10, magic.length)
  if (end < 0) return null
  const header = readHeader(parseJson(start.subarray(magic.length, end).toString('utf8')))
  return header && { header, offset: end + 1 }
}

/** A header as parsed JSON; null when anything in it is not as we write it. */
export function readHeader(value: unknown): SegmentHeader | null {
  if (!isRecord(value) || !isRecord(value['segment'])) return null
  const { length, sha256, order, segment } = value
  const { track, entry } = segment as Record<string, unknown>
  if (!isCount(length) || !isCount(order) || typeof track !== 'string' || !isRecord(entry)) return null
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null
  const { key, seq, slot, startMs, durationMs, size, root } = entry
  if (typeof key !== 'string' || typeof root !== 'string' || !/^([0-9a-f]{64})?$/.test(root)) return null
  if (![seq, slot, startMs, durationMs].every(Number.isFinite) || !isCount(size)) return null
  return { segment: { track, entry: entry as unknown as StoredSegment['entry'] }, length, sha256, order }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
