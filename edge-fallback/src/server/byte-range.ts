import type { ByteRange } from '@nearcast/peer-core'

/**
 * A Range header (RFC 9110 §14.1.2) against a resource of `size` bytes. `whole`: none, malformed or several ranges,
 * all of which a server may answer with everything.
 */
export function parseRange(header: string | null, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(header ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return 'whole'
  if (match[1] === '') {
    const length = Math.min(Number(match[2]), size)
    return length === 0 ? 'unsatisfiable' : { from: size - length, to: size }
  }
  const from = Number(match[1])
  const to = match[2] === '' ? size : Math.min(Number(match[2]) + 1, size)
  if (match[2] !== '' && Number(match[2]) < from) return 'whole'
  return from < size ? { from, to } : 'unsatisfiable'
}
