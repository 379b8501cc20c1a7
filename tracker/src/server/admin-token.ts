import { createHmac, timingSafeEqual } from 'node:crypto'
import { TrackerError } from '../tracker-error.ts'
import { Guesses } from './guesses.ts'

/** Who may see the dashboard and change what applies. Made once; every part that an operator uses asks it. */
export interface AdminToken {
  /** Whether the operator configured a token at all; without one nobody is an administrator. */
  readonly isSet: boolean
  /**
   * What a request shows: `Authorization: Bearer …`, or the cookie that a sign-in left. `bindings`: hono's `c.env`, which
   * tells where it comes from.
   */
  admits(headers: Headers, bindings?: unknown): Verdict
  /** The cookie's value for whoever typed the token, or why not. */
  signIn(
    token: string,
    bindings?: unknown,
  ): { readonly ok: true; readonly cookie: string } | { readonly ok: false; verdict: Verdict }
}

/** `busy`: too many wrong tokens from there in the last seconds, so that none is looked at. */
export type Verdict = 'admitted' | 'denied' | 'busy'

export const adminCookie = 'nearcast_admin'

/** Shorter ones could be guessed at the rate of `Guesses`. */
const leastChars = 16

/**
 * @param token null or '' when none is configured
 * @param now monotonic ms
 * @param whose whom a request's wrong tokens count for, by its bindings
 * @throws TrackerError `bad-admin-token` when it is too short
 */
export function createAdminToken(
  token: string | null,
  now: () => number,
  whose: (bindings: unknown) => string = () => '',
): AdminToken {
  const isSet = token !== null && token !== ''
  if (isSet && token.length < leastChars) {
    throw new TrackerError('bad-admin-token', `the admin token needs at least ${leastChars} characters`)
  }
  // Comparing digests of one length takes as long for every wrong token.
  const digest = (text: string) => createHmac('sha256', 'nearcast admin').update(text).digest()
  const expected = isSet ? digest(token) : null
  // Follows from the token alone: it survives a restart, holds on every machine of a cluster, and ends with the token.
  const cookie = isSet ? createHmac('sha256', token).update('nearcast admin cookie').digest('base64url') : ''
  const expectedCookie = digest(cookie)
  const guesses = new Guesses()

  const matches = (text: string, wanted: Buffer | null) =>
    wanted !== null && timingSafeEqual(digest(text), wanted)
  const check = (text: string, bindings: unknown): Verdict => {
    const who = whose(bindings)
    if (!guesses.allows(who, now())) return 'busy'
    if (matches(text, expected)) return 'admitted'
    guesses.wrong(who, now())
    return 'denied'
  }

  return {
    isSet,
    admits(headers, bindings) {
      if (!isSet) return 'denied'
      const bearer = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
      if (bearer !== undefined) return check(bearer, bindings)
      const shown = cookieOf(headers.get('cookie') ?? '')
      // The cookie cannot be guessed, so looking at it costs nothing of the allowance that an attacker may use up.
      return shown !== null && matches(shown, expectedCookie) ? 'admitted' : 'denied'
    },
    signIn(text, bindings) {
      const verdict = isSet ? check(text, bindings) : 'denied'
      return verdict === 'admitted' ? { ok: true, cookie } : { ok: false, verdict }
    },
  }
}

function cookieOf(header: string): string | null {
  for (const pair of header.split(';')) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === adminCookie && value !== undefined) return value
  }
  return null
}
