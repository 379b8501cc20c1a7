import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { TrackerError } from '../tracker-error.ts'
import { readKeys } from './read-keys.ts'

export interface TokenRequest {
  /** Text of the key to sign with: the first secret of a file of secrets, or an Ed25519 private key in PEM. */
  readonly key: string
  /** Content ids, manifests' URLs or info hashes; `*` for all. */
  readonly content: readonly string[]
  readonly ttlSeconds: number
  readonly audience?: string
  readonly origins?: readonly string[]
  readonly site?: string
  /** Memberships at one time. */
  readonly peers?: number
  /** Whom it is for. @default a random name */
  readonly holder?: string
}

/**
 * A join token, as a site's own server would make it for each viewer.
 * @throws TrackerError `bad-access` when the key cannot sign
 */
export async function issueToken(request: TokenRequest): Promise<string> {
  const { key, content, ttlSeconds, audience, origins, site, peers, holder = randomUUID() } = request
  if (content.some(name => name.trim() === ''))
    throw new TrackerError('bad-access', 'a content without a name: the tracker would refuse the token')
  for (const origin of origins ?? []) {
    // Compared letter by letter with what browsers send, so a path or a * would never match.
    if (origin.includes('*') || !URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new TrackerError('bad-access', `"${origin}" is no origin such as https://www.example.com`)
  }
  const signer = signerOf(key)
  const token = new SignJWT({
    content: content.length === 1 ? content[0] : content,
    ...(origins !== undefined && origins.length > 0 && { origin: origins }),
    ...(site !== undefined && { site }),
    ...(peers !== undefined && { peers }),
  })
    .setProtectedHeader({ alg: signer.alg, typ: 'JWT', ...(signer.kid !== null && { kid: signer.kid }) })
    .setJti(holder)
    .setIssuedAt()
    .setExpirationTime(`${ttlSeconds} s`)
  if (audience !== undefined) token.setAudience(audience)
  return token.sign(signer.key)
}

/** A new pair for EdDSA: the issuer keeps `privateKey`, the tracker gets `publicKey`. */
export function issueKeys(): { readonly privateKey: string; readonly publicKey: string } {
  return generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
}

function signerOf(text: string): {
  readonly alg: string
  readonly kid: string | null
  readonly key: Uint8Array | KeyObject
} {
  if (text.includes('PRIVATE KEY')) {
    const key = privateKeyOf(text)
    if (key?.asymmetricKeyType === 'ed25519') return { alg: 'EdDSA', kid: null, key }
    throw new TrackerError(
      'bad-access',
      'the private key is none of Ed25519: nearcast-tracker keys makes one',
    )
  }
  const read = readKeys(text)
  if (!read.ok) throw new TrackerError('bad-access', `the key ${read.problems.join('; ')}`)
  const secret = read.keys.find(({ kind }) => kind === 'hmac')
  if (secret === undefined)
    throw new TrackerError('bad-access', 'a public key cannot sign: give the private one')
  return { alg: 'HS256', kid: secret.kid, key: secret.key }
}

function privateKeyOf(text: string): KeyObject | null {
  try {
    return createPrivateKey(text)
  } catch {
    return null
  }
}
