import { createHash, timingSafeEqual } from 'node:crypto'
import { type Address, isPrivate } from '../address/address.ts'

export interface MetricsAccess {
  /**
   * Who may read the metrics without a token: whoever comes from a private address, anybody, or nobody because there
   * is no `/metrics`. @default 'private'
   */
  readonly access?: 'private' | 'open' | 'off'
  /** When set, it is needed from everywhere: `Authorization: Bearer …`. @default null */
  readonly token?: string | null
}

/** Whoever asks; `address` null when the way the request came does not say. */
export interface Reader {
  readonly address: Address | null
  /** A forwarding header came along that no trusted proxy wrote: the true address is unknown. */
  readonly isForwarded: boolean
  readonly authorization: string | undefined
}

export function mayRead({ access = 'private', token = null }: MetricsAccess, reader: Reader): boolean {
  if (access === 'off') return false
  if (token !== null && token !== '') {
    const shown = /^Bearer +(\S+) *$/i.exec(reader.authorization ?? '')?.[1] ?? ''
    return timingSafeEqual(digest(shown), digest(token))
  }
  if (access === 'open') return true
  return reader.address !== null && !reader.isForwarded && isPrivate(reader.address)
}

/** Of one length, so that comparing takes as long for every wrong token. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
