import { createPublicKey, type KeyObject } from 'node:crypto'

/** A key that verifies tokens. */
export interface TokenKey {
  /** Its name, which tokens carry; null when it has none and is tried for every token. */
  readonly kid: string | null
  readonly kind: 'hmac' | 'eddsa'
  readonly key: Uint8Array | KeyObject
}

export type ReadKeys =
  | { readonly ok: true; readonly keys: readonly TokenKey[] }
  | { readonly ok: false; readonly problems: readonly string[] }

/** RFC 7518 §3.2: a shorter HMAC key is weaker than its digest. */
const leastSecretBytes = 32

/**
 * Reads what verifies tokens: a JWK or JWKS, public keys in PEM, or secrets, one a line, `name secret` or the secret
 * alone. Several at once, so that a new key counts before the old one stops. One bad key spoils the file.
 */
export function readKeys(text: string): ReadKeys {
  const problems: string[] = []
  const keys = text.trimStart().startsWith('{')
    ? readJson(text, problems)
    : text.includes('-----BEGIN')
      ? readPem(text, problems)
      : readSecrets(text, problems)
  if (problems.length === 0 && keys.length === 0) problems.push('holds no key')
  return problems.length > 0 ? { ok: false, problems } : { ok: true, keys }
}

function readSecrets(text: string, problems: string[]): TokenKey[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const words = line.trim().split(/\s+/)
    if (words[0] === '' || words[0]?.startsWith('#')) return []
    const [secret = '', kid = null] = words.reverse()
    const key = new TextEncoder().encode(secret)
    if (words.length > 2) problems.push(`line ${i + 1}: give "name secret", or a secret without spaces`)
    else if (key.length < leastSecretBytes)
      problems.push(`line ${i + 1}: a secret needs ${leastSecretBytes} characters or more`)
    return [{ kid, kind: 'hmac' as const, key }]
  })
}

function readPem(text: string, problems: string[]): TokenKey[] {
  if (text.includes('PRIVATE KEY')) {
    problems.push('holds a private key: the tracker needs the public one, and nobody else the private one')
    return []
  }
  const blocks = text.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? []
  return blocks.flatMap((block, i) =>
    readPublic(`public key ${i + 1}`, null, () => createPublicKey(block), problems),
  )
}

function readJson(text: string, problems: string[]): TokenKey[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    problems.push(`is no JSON: ${error instanceof Error ? error.message : error}`)
    return []
  }
  const set = (value as { readonly keys?: unknown }).keys
  const list: readonly unknown[] = Array.isArray(set) ? set : [value]
  return list.flatMap((item, i) => readJwk(`key ${i + 1}`, item, problems))
}

function readJwk(name: string, item: unknown, problems: string[]): TokenKey[] {
  const jwk = (typeof item === 'object' ? item : null) as Readonly<Record<string, unknown>> | null
  const kid = typeof jwk?.['kid'] === 'string' ? jwk['kid'] : null
  if (jwk?.['kty'] === 'oct' && typeof jwk['k'] === 'string') {
    const key = new Uint8Array(Buffer.from(jwk['k'], 'base64url'))
    if (key.length < leastSecretBytes) problems.push(`${name} has fewer than ${leastSecretBytes} bytes`)
    return [{ kid, kind: 'hmac', key }]
  }
  if (jwk?.['kty'] === 'OKP') {
    if (jwk['d'] !== undefined) problems.push(`${name} is private: give only its public part, without "d"`)
    return readPublic(
      name,
      kid,
      () => createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' } as never),
      problems,
    )
  }
  problems.push(`${name} is neither "oct" (HS256) nor "OKP" (EdDSA)`)
  return []
}

function readPublic(name: string, kid: string | null, read: () => KeyObject, problems: string[]): TokenKey[] {
  try {
    const key = read()
    if (key.asymmetricKeyType === 'ed25519') return [{ kid, kind: 'eddsa', key }]
    problems.push(`${name} is of type ${key.asymmetricKeyType}: EdDSA needs Ed25519`)
  } catch (error) {
    problems.push(`${name} cannot be read: ${error instanceof Error ? error.message : error}`)
  }
  return []
}
