/** Whom a policy's tracker names to whom. */
export type Matching =
  /** Nearest first, links inside and outside the group counted apart (TRACKER §4): ours. */
  | { readonly type: 'nearest' }
  /**
   * Anybody in the swarm, whatever the network: each announce carries offers to so many random others, and an offer
   * to somebody already linked is wasted. Only the beat announces again. What WebTorrent trackers do.
   */
  | {
      readonly type: 'random'
      /** Offers an announce. */
      readonly offers: number
      /** No offers are made with so many links. */
      readonly offerBelow: number
      /** Offers are not answered with so many links. */
      readonly acceptBelow: number
    }
