import { TrackerError } from '../tracker-error.ts'
import { type Grant, refusalWords, type TokenMode, type Verified } from './grant.ts'
import { createOriginRules, originProblem } from './origin-rules.ts'
import { readKeys, type TokenKey } from './read-keys.ts'
import { createTokenVerifier } from './token-verifier.ts'

/** Who may use the tracker at all. */
export interface AccessOptions {
  /** Pages that may connect: `https://www.example.com`, `https://*.example.com`; empty for all. @default [] */
  readonly origins?: readonly string[]
  /** Whether programs that are no browser may, which name no origin. @default true */
  readonly native?: boolean
  /** Whether announces need a join token. @default 'off' */
  readonly tokens?: TokenMode
  /**
   * Texts of keys that verify them: secrets for HS256, one a line; public keys in PEM, JWK or JWKS for EdDSA.
   * @default none
   */
  readonly keys?: readonly string[]
  /** What a token's `aud` must contain. @default not looked at */
  readonly audience?: string
  /** How far the issuer's clock and ours may differ, s. @default 30 */
  readonly leewaySeconds?: number
}

export interface Gate {
  readonly tokens: TokenMode
  allowsOrigin(origin: string | undefined): boolean
  /** Judges an upgrade or request before anything is opened for it. A promise only when a token must be looked at. */
  admit(request: Arrival): Admission | Promise<Admission>
  verify(token: string): Promise<Verified>
  /** Takes new texts of keys, all of them. When one is bad nothing changes, and the answer says what is wrong. */
  setKeys(texts: readonly string[]): readonly string[]
}

export interface Arrival {
  /** Path and query. */
  readonly url: string
  readonly origin: string | undefined
}

export type Admission =
  | { readonly ok: true; readonly grant: Grant | null }
  | { readonly ok: false; readonly status: 401 | 403; readonly reason: string }

/** @throws TrackerError `bad-access` when an origin is none or a key cannot be read */
export function createGate(options: AccessOptions = {}): Gate {
  const {
    origins = [],
    native = true,
    tokens = 'off',
    keys = [],
    audience = null,
    leewaySeconds = 30,
  } = options
  for (const origin of origins) {
    const problem = originProblem(origin)
    if (problem !== null) throw new TrackerError('bad-access', `origin "${origin}": ${problem}`)
  }
  const { keys: first, problems } = readAll(keys)
  if (problems.length > 0) throw new TrackerError('bad-access', `the token keys: ${problems.join('; ')}`)
  if (tokens !== 'off' && first.length === 0)
    throw new TrackerError('bad-access', `tokens are ${tokens}, but there is no key to verify them`)
  const rules = createOriginRules({ origins, native })
  const verifier = createTokenVerifier({ keys: first, audience, leewaySeconds, now: () => Date.now() })

  return {
    tokens,
    allowsOrigin: rules.allows,
    admit({ url, origin }) {
      if (!rules.allows(origin))
        return { ok: false, status: 403, reason: 'this page may not use this tracker' }
      const token = tokens === 'off' ? null : tokenIn(url)
      // Without one in the URL the first announce may bring it.
      return token === null ? { ok: true, grant: null } : judge(token)
    },
    verify: token => verifier.verify(token),
    setKeys(texts) {
      const read = readAll(texts)
      if (read.problems.length === 0) verifier.setKeys(read.keys)
      return read.problems
    },
  }

  async function judge(token: string): Promise<Admission> {
    const verified = await verifier.verify(token)
    if (verified.ok) return { ok: true, grant: verified.grant }
    if (tokens === 'optional') return { ok: true, grant: null }
    return { ok: false, status: 401, reason: refusalWords[verified.reason] }
  }
}

function readAll(texts: readonly string[]): {
  readonly keys: readonly TokenKey[]
  readonly problems: readonly string[]
} {
  const read = texts.map(readKeys)
  return {
    keys: read.flatMap(one => (one.ok ? one.keys : [])),
    problems: read.flatMap(one => (one.ok ? [] : one.problems)),
  }
}

/** `?token=…`, or a part of the path that looks like one: some players let only the path of a URL be set. */
function tokenIn(url: string): string | null {
  const query = url.indexOf('?')
  const named = query === -1 ? null : new URLSearchParams(url.slice(query + 1)).get('token')
  if (named !== null && named !== '') return named
  const path = query === -1 ? url : url.slice(0, query)
  return path.split('/').find(part => /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(part)) ?? null
}
