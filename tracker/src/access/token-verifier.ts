import { createHash } from 'node:crypto'
import { type BinaryId, contentId, hexToBinary, isHexId, swarmText } from '@nearcast/peer-core/signalling'
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Grant, TokenRefusal, Verified } from './grant.ts'
import type { TokenKey } from './read-keys.ts'

/** Looks at join tokens: JSON Web Tokens signed with HS256 or EdDSA. */
export interface TokenVerifier {
  /** Never rejects. The same text is looked at once. */
  verify(token: string): Promise<Verified>
  /** Takes new keys; what counted under the old ones is looked at again. */
  setKeys(keys: readonly TokenKey[]): void
}

export interface VerifierOptions {
  readonly keys: readonly TokenKey[]
  /** What `aud` must contain; null: whatever it says. */
  readonly audience: string | null
  /** How far clocks may differ, s. @default 30 */
  readonly leewaySeconds?: number
  /** Ms since 1970. */
  readonly now: () => number
}

/** Characters of a token that is looked at. One with a hundred titles has about 5,000. */
const mostChars = 8_192
/** Tokens remembered, good and bad: a page announces its own again and again. About 1 KB each. */
const mostRemembered = 10_000
const mostContents = 256
/** Keys without a name that one token is tried with. */
const mostTries = 8

export function createTokenVerifier(options: VerifierOptions): TokenVerifier {
  const { audience, leewaySeconds = 30, now } = options
  let keys = options.keys
  const known = new Map<string, Promise<Verified>>()

  return {
    async verify(token) {
      if (token.length > mostChars) return refuse('malformed')
      const seen = known.get(token)
      if (seen !== undefined) return stillGood(await seen)
      const looked = look(token)
      if (known.size >= mostRemembered) {
        const oldest = known.keys().next().value
        if (oldest !== undefined) known.delete(oldest)
      }
      known.set(token, looked)
      const verified = await looked
      // It will count, so it must not be remembered as one that does not.
      if (!verified.ok && verified.reason === 'early') known.delete(token)
      return verified
    },
    setKeys(next) {
      keys = next
      known.clear()
    },
  }

  function stillGood(verified: Verified): Verified {
    return verified.ok && verified.grant.until <= now() ? refuse('expired') : verified
  }

  async function look(token: string): Promise<Verified> {
    let kind: TokenKey['kind']
    let kid: string | null
    try {
      const header = decodeProtectedHeader(token)
      if (header.alg === 'HS256') kind = 'hmac'
      else if (header.alg === 'EdDSA' || header.alg === 'Ed25519') kind = 'eddsa'
      else return refuse('key')
      kid = header.kid ?? null
    } catch {
      return refuse('malformed')
    }
    // A key is used for its own algorithm only (RFC 8725 §3.1): a public key is no HMAC secret.
    const fitting = keys.filter(
      key => key.kind === kind && (kid === null || key.kid === null || key.kid === kid),
    )
    let reason: TokenRefusal = 'key'
    for (const { key } of fitting.slice(0, mostTries)) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: kind === 'hmac' ? ['HS256'] : ['EdDSA', 'Ed25519'],
          ...(audience !== null && { audience }),
          clockTolerance: leewaySeconds,
          currentDate: new Date(now()),
          requiredClaims: ['exp'],
        })
        return grantOf(token, payload, leewaySeconds)
      } catch (error) {
        reason = reasonOf(error)
        if (reason !== 'signature') return refuse(reason)
      }
    }
    return refuse(reason)
  }
}

/** Our claims: `content` (required), `origin`, `site`, `peers`. One that is there and makes no sense spoils the token. */
function grantOf(token: string, payload: JWTPayload, leewaySeconds: number): Verified {
  const contents = textsOf(payload['content'])
  const origins = payload['origin'] === undefined ? null : textsOf(payload['origin'])
  const { site = null, peers = Number.POSITIVE_INFINITY } = payload as { site?: unknown; peers?: unknown }
  const isSound =
    contents !== null &&
    (payload['origin'] === undefined || origins !== null) &&
    (site === null || (typeof site === 'string' && site.length > 0 && site.length <= 128)) &&
    typeof peers === 'number' &&
    peers >= 1
  if (!isSound) return refuse('claims')
  const grant: Grant = {
    token,
    holder: payload.jti ?? payload.sub ?? createHash('sha256').update(token).digest('base64url'),
    content: contents.includes('*') ? 'any' : new Set(contents.map(swarmOf)),
    origins,
    site: site as string | null,
    until: ((payload.exp ?? 0) + leewaySeconds) * 1_000,
    mostPeers: peers,
  }
  return { ok: true, grant }
}

/** An info hash as it is, a content id or a manifest's URL as clients name the swarm after it. */
function swarmOf(content: string): BinaryId {
  if (isHexId(content)) return hexToBinary(content)
  const named = swarmText(contentId(content) ?? content)
  return createHash('sha256').update(named).digest().subarray(0, 20).toString('latin1')
}

function textsOf(claim: unknown): readonly string[] | null {
  const list: readonly unknown[] = Array.isArray(claim) ? claim : [claim]
  const isSound = list.every(item => typeof item === 'string' && item !== '')
  return isSound && list.length > 0 && list.length <= mostContents ? (list as readonly string[]) : null
}

function reasonOf(error: unknown): TokenRefusal {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === 'nbf' ? 'early' : error.claim === 'aud' ? 'audience' : 'claims'
  }
  return error instanceof errors.JWSSignatureVerificationFailed ? 'signature' : 'malformed'
}

function refuse(reason: TokenRefusal): Verified {
  return { ok: false, reason }
}
