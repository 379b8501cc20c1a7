import type { BinaryId } from '@nearcast/peer-core/signalling'

/** `optional`: a token may say a site or raise limits; `required`: without one nobody meets anybody. */
export type TokenMode = 'off' | 'optional' | 'required'

/** What a verified join token allows. */
export interface Grant {
  /** The text it came as: an announce that repeats it needs no second look. */
  readonly token: string
  /** Whom it was given to: `jti`, else `sub`, else a digest of the text. Memberships are counted under it. */
  readonly holder: string
  readonly content: 'any' | ReadonlySet<BinaryId>
  /** Pages on which it counts, or null for all. */
  readonly origins: readonly string[] | null
  /** Site that the issuer vouches for, or null: then the address decides. */
  readonly site: string | null
  /** Ms since 1970, the leeway for clocks that differ included. */
  readonly until: number
  /** Memberships at one time; Infinity when not stated. */
  readonly mostPeers: number
}

/** Why a token does not count. */
export const tokenRefusals = [
  'malformed',
  'key',
  'signature',
  'expired',
  'early',
  'audience',
  'claims',
] as const
export type TokenRefusal = (typeof tokenRefusals)[number]

export type Verified =
  | { readonly ok: true; readonly grant: Grant }
  | { readonly ok: false; readonly reason: TokenRefusal }

/** Words for whoever shows such a token. They say nothing that helps to forge one. */
export const refusalWords: Record<TokenRefusal, string> = {
  malformed: 'the token is none',
  key: 'the token is signed by nobody known here',
  signature: 'the token is signed by nobody known here',
  expired: 'the token has expired',
  early: 'the token does not count yet',
  audience: 'the token is for another tracker',
  claims: 'the token does not say what it is for',
}
