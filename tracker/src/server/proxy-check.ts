import { type Address, isPrivate } from '../address/address.ts'
import type { Log } from './log.ts'

/** Sockets from one private address before we are sure that it is a proxy's. */
const suspicious = 20

/**
 * Behind a proxy that nobody told us to trust, every viewer seems to share one private address: all become one group,
 * and limits by address hit everybody. Says so once, loudly.
 */
export function createProxyCheck(log: Log): (address: Address, forwarded: boolean) => void {
  let only: string | null = null
  let count = 0
  let done = false
  return (address, forwarded) => {
    if (done) return
    if ((only !== null && only !== address.text) || !isPrivate(address)) {
      done = true
      return
    }
    only = address.text
    if (++count < suspicious && !forwarded) return
    if (!forwarded && address.bytes[0] === 127) return
    done = true
    log({
      level: 'warn',
      event: 'untrusted-proxy',
      message:
        'ALL VIEWERS SEEM TO COME FROM ONE PRIVATE ADDRESS. If this tracker stands behind a proxy, name it with ' +
        '--trust-proxy CIDR; until then all viewers count as one group.',
    })
  }
}
