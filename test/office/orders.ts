import type { AccessEntry } from '@nearcast/edge-fallback/server'

/** What a server of the lab is started with. */
export type ServerSetup =
  | {
      readonly type: 'internet'
      readonly mediaDir: string
      /** Text of the tracker's site file; '': none. */
      readonly sites: string
      /** STUN servers that the tracker recommends; null: its own. */
      readonly stun: readonly string[] | null
    }
  | { readonly type: 'stun' }

/** What the parent may ask of it later. */
export type Order =
  /** Media requests are answered with this status; null: as usual. */
  { readonly type: 'outage'; readonly status: number | null } | { readonly type: 'log' }

export type Reply =
  | { readonly type: 'ready' }
  | { readonly type: 'log'; readonly entries: readonly AccessEntry[] }
