import { createHmac } from 'node:crypto'
import type { BinaryId } from '@nearcast/peer-core/signalling'
import type { Bag } from './bag.ts'

/**
 * Names that reveal nothing. Every machine that holds the same secret makes the same names, which is what a
 * cluster needs.
 */
export interface Labels {
  /** The same for all peers of a group, another one tomorrow and in another swarm: not to be linked. */
  group(infoHash: BinaryId, bag: Bag): string
  /** A network that the operator did not name, for the operator's own eyes; another one tomorrow. */
  network(address: string): string
  /** A content without a name of the operator's. */
  content(infoHash: BinaryId): string
  /** Something that two peers have in common, for other machines of the operator's. */
  near(text: string): string
  /** Proves to us that its bearer was given this peer_id's first response. */
  token(infoHash: BinaryId, peerId: BinaryId): string
}

const dayMs = 86_400_000

/** `wallClock`: ms since 1970, for the day only. */
export function createLabels(secret: Uint8Array, wallClock: () => number): Labels {
  // As text: Node takes 5 µs with such a key and 35 with bytes, of which it makes an object each time; each join costs one.
  const hmac = (key: string, ...parts: readonly string[]) => {
    const hash = createHmac('sha256', key)
    for (const part of parts) hash.update(part, 'latin1').update('\0')
    return hash.digest()
  }
  const secretKey = Buffer.from(secret).toString('hex')
  let day = -1
  let salt = secretKey
  const saltOf = (today: number) => {
    if (today !== day) {
      day = today
      salt = hmac(secretKey, 'label', String(today)).toString('hex')
    }
    return salt
  }
  return {
    group(infoHash, bag) {
      const today = Math.floor(wallClock() / dayMs)
      const salt = saltOf(today)
      if (bag.labelDay !== today) {
        bag.labelDay = today
        bag.label = hmac(salt, infoHash, Buffer.from(bag.key).toString('latin1')).toString('hex').slice(0, 16)
      }
      return bag.label
    },
    network: address =>
      hmac(saltOf(Math.floor(wallClock() / dayMs)), 'network', address)
        .toString('hex')
        .slice(0, 6),
    content: infoHash => hmac(secretKey, 'content', infoHash).toString('hex').slice(0, 6),
    near: text =>
      hmac(secretKey, 'near', Buffer.from(text).toString('latin1')).toString('base64url').slice(0, 16),
    token: (infoHash, peerId) =>
      hmac(secretKey, 'token', infoHash, peerId).toString('base64url').slice(0, 22),
  }
}
