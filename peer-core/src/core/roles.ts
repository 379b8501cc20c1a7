import type { Policy, Role } from './events.ts'
import type { Peer } from './peer.ts'
import { groupPeers } from './sharing.ts'
import type { State } from './state.ts'

/**
 * Fetchers and members of a group too large for a mesh. Fetchers say every second that they are there, and whoever
 * hears them passes on how far away they are. Where none is heard (a guest network, a VPN, a split site), those who
 * are left take turns among themselves as in a mesh, until the tracker has put the group together again.
 */

/** A beacon older than this counts for nothing: three were missed. */
const silentMs = 3_000
/** Farther than any group of a tracker's making: two members that only hear each other count up to here and stop. */
const mostHops = 8

export function roleOf(policy: Policy): Role {
  return policy.role ?? 'mesh'
}

/** Links between us and the nearest fetcher, 0 for a fetcher itself; Infinity when none is heard. */
export function hopsToFetcher(state: State): number {
  if (roleOf(state.policy) === 'fetcher') return 0
  let hops = Infinity
  for (const peer of groupPeers(state)) {
    if (peer.beacon && isFresh(state, peer)) hops = Math.min(hops, peer.beacon.hops + 1)
  }
  return hops < mostHops ? hops : Infinity
}

/** Somebody else's turn comes for us: we are fed and do not fetch. */
export function isFed(state: State): boolean {
  if (roleOf(state.policy) !== 'member') return false
  return state.now - state.roleAt < silentMs || hopsToFetcher(state) < Infinity
}

/** Do turns go round among fetchers only? */
export function areFetchersHeard(state: State): boolean {
  return roleOf(state.policy) === 'fetcher' || isFed(state)
}

export function isFetcher(state: State, peer: Peer): boolean {
  return peer.beacon?.hops === 0 && isFresh(state, peer)
}

/** It says that it is nearer to a fetcher than `hops` links. */
export function isNearer(state: State, peer: Peer, hops: number): boolean {
  return peer.beacon !== null && peer.beacon.hops < hops && isFresh(state, peer)
}

function isFresh(state: State, peer: Peer): boolean {
  return peer.beacon !== null && state.now - peer.beacon.at < silentMs
}
