/**
 * Why an upgrade was not taken: while draining, from an address that cannot be read, no WebSocket handshake, a page
 * that is not on the list, or a bad join token.
 */
const upgradeRefusals = ['draining', 'address', 'handshake', 'origin', 'token'] as const
/**
 * Why a socket was ended: it did not read, did not answer pings, spoke binary or broke RFC 6455; the registry's rules;
 * a drain; or the client left by itself.
 */
const endings = ['backlog', 'silence', 'binary', 'protocol', 'rules', 'drain', 'client'] as const

export type UpgradeRefusal = (typeof upgradeRefusals)[number]
export type Ending = (typeof endings)[number]

/** Totals since start. */
export interface SocketCounters {
  accepted: number
  refused: Record<UpgradeRefusal, number>
  ended: Record<Ending, number>
}

export function createSocketCounters(): SocketCounters {
  const zeros = <K extends string>(keys: readonly K[]) =>
    Object.fromEntries(keys.map(key => [key, 0])) as Record<K, number>
  return { accepted: 0, refused: zeros(upgradeRefusals), ended: zeros(endings) }
}
