import type { PeerId } from '../core/messages.ts'

/** First wait after a failed dial; doubles with each further one. */
const firstWaitMs = 5_000
const longestWaitMs = 300_000

/**
 * So many peers that could not be reached, and none that could, mean that the network, not the peers, is in the way: guest Wi-Fi that
 * isolates its clients, UDP dropped, multicast names filtered without a STUN server inside.
 */
const peersToPause = 6
const firstPauseMs = 30_000
const longestPauseMs = 600_000

/** Peers remembered: strangers choose their ids. */
const maxPeers = 1024

/** When to dial whom again. Time comes in; nothing is armed here. */
export class Backoff {
  #waits = new Map<PeerId, { failures: number; until: number }>()
  /** Dialled in vain since the last success: distinct peers, so that one alone stops nothing. */
  #unreached = new Set<PeerId>()
  #pauseMs = 0
  #pausedUntil = 0

  /** Whether `peer` may be dialled now. */
  ready(peer: PeerId, now: number): boolean {
    return now >= this.readyAt(peer)
  }

  readyAt(peer: PeerId): number {
    return Math.max(this.#waits.get(peer)?.until ?? 0, this.#pausedUntil)
  }

  /** While every pair fails, one dial at a time is enough to notice that it no longer does. */
  probing(): boolean {
    return this.#unreached.size >= peersToPause
  }

  /** How often `peer` failed since it last worked. */
  failures(peer: PeerId): number {
    return this.#waits.get(peer)?.failures ?? 0
  }

  /** A connection with `peer` failed, whoever began it: that peer may wait. */
  failed(peer: PeerId, now: number): void {
    const failures = this.failures(peer) + 1
    this.#set(peer, failures, now + Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs))
  }

  /** Our own dial failed. Offers of others say nothing about the network: anybody may send bad ones. */
  dialFailed(peer: PeerId, now: number): void {
    this.failed(peer, now)
    if (this.#unreached.size < peersToPause) this.#unreached.add(peer)
    if (this.#unreached.size < peersToPause) return
    // Dials that were under way when the pause began end in it; they do not lengthen it.
    if (now < this.#pausedUntil) return
    this.#pauseMs = this.#pauseMs === 0 ? firstPauseMs : Math.min(this.#pauseMs * 2, longestPauseMs)
    this.#pausedUntil = now + this.#pauseMs
  }

  opened(peer: PeerId): void {
    this.#waits.delete(peer)
    this.#unreached.clear()
    this.#pauseMs = 0
    this.#pausedUntil = 0
  }

  /** Not before `until`, for a reason of its own. */
  hold(peer: PeerId, until: number): void {
    this.#set(peer, this.failures(peer), until)
  }

  forget(peer: PeerId): void {
    this.#waits.delete(peer)
  }

  #set(peer: PeerId, failures: number, until: number): void {
    // Last in the map again, so that the first is the one untouched for longest.
    this.#waits.delete(peer)
    this.#waits.set(peer, { failures, until })
    const [oldest] = this.#waits.keys()
    if (this.#waits.size > maxPeers && oldest !== undefined) this.#waits.delete(oldest)
  }
}
