import { createHash, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { type ReadKeys, readKeys, type TokenKey } from './read-keys.ts'
import { createTokenVerifier, type VerifierOptions } from './token-verifier.ts'

const now = 1_800_000_000_000
const seconds = now / 1_000
const secret = 'a secret of thirty-two characters'
const bytes = (text: string) => new TextEncoder().encode(text)
const pair = generateKeyPairSync('ed25519')
const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const film = (id: string) =>
  createHash('sha256').update(`nearcast/1 ${id}`).digest().subarray(0, 20).toString('latin1')

const keysOf = (...texts: string[]): readonly TokenKey[] =>
  texts.flatMap(text => {
    const read = readKeys(text)
    return read.ok ? read.keys : expect.unreachable(read.problems.join())
  })

function sign(
  claims: object,
  { key = bytes(secret) as Parameters<SignJWT['sign']>[0], alg = 'HS256', kid = '' } = {},
) {
  return new SignJWT({ content: '*', exp: seconds + 60, ...claims })
    .setProtectedHeader({ alg, ...(kid && { kid }) })
    .sign(key)
}

const verifier = (options: Partial<VerifierOptions> = {}) =>
  createTokenVerifier({
    keys: keysOf(secret.replaceAll(' ', '-'), pem),
    audience: null,
    now: () => now,
    ...options,
  })
const shared = bytes(secret.replaceAll(' ', '-'))
const hmac = (claims: object) => sign(claims, { key: shared })
const reason = async (token: string, options: Partial<VerifierOptions> = {}) => {
  const verified = await verifier(options).verify(token)
  return verified.ok ? 'good' : verified.reason
}

describe('a join token', () => {
  test('by HS256 and by EdDSA says content, site, origin, holder and how many', async () => {
    const claims = {
      content: ['Town hall', 'ab'.repeat(20)],
      site: 'hq',
      origin: 'https://a.example',
      sub: 'alice',
      peers: 3,
    }
    for (const token of [await hmac(claims), await sign(claims, { key: pair.privateKey, alg: 'EdDSA' })]) {
      expect(await verifier().verify(token)).toEqual({
        ok: true,
        grant: {
          token,
          holder: 'alice',
          content: new Set([film('Town hall'), Buffer.from('ab'.repeat(20), 'hex').toString('latin1')]),
          origins: ['https://a.example'],
          site: 'hq',
          until: now + 90_000,
          mostPeers: 3,
        },
      })
    }
  })

  test('names a swarm by its manifest’s URL as clients do: without fragment and token parameters', async () => {
    const verified = await verifier().verify(
      await hmac({ content: 'https://a.example/v.m3u8?id=7&token=x#t=3' }),
    )
    expect(verified.ok && verified.grant.content).toEqual(new Set([film('https://a.example/v.m3u8?id=7')]))
  })

  test.each([
    ['expired', { exp: seconds - 31 }],
    ['good', { exp: seconds - 29 }],
    ['early', { nbf: seconds + 31 }],
    ['good', { nbf: seconds + 29 }],
    ['claims', { exp: undefined }],
    ['claims', { content: undefined }],
    ['claims', { content: [] }],
    ['claims', { content: [7] }],
    ['claims', { content: Array(257).fill('x') }],
    ['claims', { site: 7 }],
    ['claims', { origin: {} }],
    ['claims', { peers: 0 }],
    ['claims', { peers: 'many' }],
  ])('is %s with %j', async (expected, claims) => {
    expect(await reason(await hmac(claims))).toBe(expected)
  })

  test('is for the audience the operator named', async () => {
    const options = { audience: 'tracker.example' }
    expect(await reason(await hmac({}), options)).toBe('audience')
    expect(await reason(await hmac({ aud: 'other.example' }), options)).toBe('audience')
    expect(await reason(await hmac({ aud: ['other.example', 'tracker.example'] }), options)).toBe('good')
  })

  test('is not taken without a signature, by another key, changed, or signed with a public key as if it were a secret', async () => {
    const good = await hmac({})
    const [head, body, signature] = good.split('.') as [string, string, string]
    const more = Buffer.from(JSON.stringify({ content: '*', exp: seconds + 9_999 })).toString('base64url')
    expect(await reason(new UnsecuredJWT({ content: '*' }).setExpirationTime(seconds + 60).encode())).toBe(
      'key',
    )
    expect(await reason(await sign({}, { key: bytes('another secret of 32 characters..') }))).toBe(
      'signature',
    )
    expect(await reason(`${head}.${more}.${signature}`)).toBe('signature')
    expect(await reason(`${head}.${body}.`)).toBe('signature')
    expect(await reason(await sign({}, { key: bytes(pem) }), { keys: keysOf(pem) })).toBe('key')
    expect(await reason(await sign({}, { key: shared, alg: 'HS512' }))).toBe('key')
    expect(await reason('x'.repeat(9_000))).toBe('malformed')
  })

  test('that nobody wrote is an answer too: nothing makes the verifier reject', async () => {
    const good = await hmac({})
    const text = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.nat(good.length), fc.string({ maxLength: 3 }))
        .map(([at, put]) => good.slice(0, at) + put + good.slice(at + 1)),
      fc
        .tuple(fc.json(), fc.json(), fc.string())
        .map(([a, b, c]) => [a, b, c].map(part => Buffer.from(part).toString('base64url')).join('.')),
    )
    const one = verifier()
    await fc.assert(
      fc.asyncProperty(text, async token => {
        const verified = await one.verify(token)
        expect(verified.ok && token !== good).toBe(false)
      }),
      { seed: 3, numRuns: 500 },
    )
  })
})

describe('keys', () => {
  test('rotate: two count side by side, each by its name; the old one stops when it is taken out', async () => {
    const old = await sign({}, { key: bytes('o'.repeat(32)), kid: '2025' })
    const fresh = await sign({}, { key: bytes('n'.repeat(32)), kid: '2026' })
    const both = `# rotated in March\n2025 ${'o'.repeat(32)}\n2026 ${'n'.repeat(32)}\n`
    const one = verifier({ keys: keysOf(both) })
    expect((await one.verify(old)).ok).toBe(true)
    expect((await one.verify(fresh)).ok).toBe(true)
    one.setKeys(keysOf(`2026 ${'n'.repeat(32)}`))
    expect(await one.verify(old)).toEqual({ ok: false, reason: 'key' })
    expect((await one.verify(fresh)).ok).toBe(true)
  })

  test('come as JWKS too', async () => {
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'a' }] })
    const token = await sign({}, { key: pair.privateKey, alg: 'EdDSA', kid: 'a' })
    expect(await reason(token, { keys: keysOf(jwks) })).toBe('good')
  })

  test.each([
    ['a short secret', 'short', 'line 1: a secret needs 32'],
    [
      'a private key',
      pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'holds a private key',
    ],
    ['a private JWK', JSON.stringify(pair.privateKey.export({ format: 'jwk' })), 'is private'],
    [
      'a key of another kind',
      generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString(),
      'EdDSA needs Ed25519',
    ],
    ['nothing', '# none yet\n', 'holds no key'],
    ['broken JSON', '{"keys":', 'is no JSON'],
  ])('%s is refused in words', (_, text, words) => {
    const read: ReadKeys = readKeys(text)
    expect(read.ok ? '' : read.problems.join('\n')).toContain(words)
  })
})

test('a token that was good is expired when its time is over, though it was looked at before', async () => {
  let at = now
  const one = createTokenVerifier({
    keys: keysOf(shared.reduce((text, byte) => text + String.fromCharCode(byte), '')),
    audience: null,
    now: () => at,
  })
  const token = await hmac({})
  expect((await one.verify(token)).ok).toBe(true)
  at = now + 91_000
  expect(await one.verify(token)).toEqual({ ok: false, reason: 'expired' })
})
