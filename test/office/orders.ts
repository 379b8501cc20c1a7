import type { AccessEntry } from '@nearcast/edge-fallback/server'

/** What a server of the lab is started with. */
export type ServerSetup =
  | {
      readonly type: 'internet'
      readonly mediaDir: string
      /** Text of the tracker's site file; '': none. */
      readonly sites: string
      /** Before each answer of the edge, ms: the round trip that the lab's cables do not have. */
      readonly edgeDelayMs: number
      /** STUN servers that the tracker recommends. */
      readonly stun: readonly string[]
    }
  | { readonly type: 'stun' }

/** What the parent may ask of it later. */
export type Order =
  /** Media requests are answered with this status; null: as usual. */
  { readonly type: 'outage'; readonly status: number | null } | { readonly type: 'log' }

export type Reply =
  /** `at`: a live segment ended then, wall clock in ms, and one more each segment's length after. */
  | { readonly type: 'ready'; readonly at: number }
  | { readonly type: 'log'; readonly entries: readonly AccessEntry[] }
