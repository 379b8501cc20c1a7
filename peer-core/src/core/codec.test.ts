import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeMessage,
  type ExtensionMessage,
  encodeMessage,
  helloFields,
  parseHello,
  wireLimits,
} from './codec.ts'
import type { OfferMessage } from './messages.ts'

const n = fc.nat(wireLimits.offers - 1)
const bytes = fc.nat(wireLimits.bytes)
const count = fc.nat({ max: wireLimits.count })
const hex = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(value => Buffer.from(value).toString('hex'))
const mode = fc.constantFrom('share' as const, 'leech' as const, 'off' as const)
const lone = /\p{Surrogate}/u
const text = (maxBytes: number) =>
  fc.string({ unit: 'binary' }).filter(value => !lone.test(value) && Buffer.byteLength(value) <= maxBytes)

/** Offers that agree with themselves: from ≤ frontier ≤ size, to ≤ size. */
const offer: fc.Arbitrary<OfferMessage> = fc
  .record({
    type: fc.constant('offer' as const),
    n,
    track: fc.nat(wireLimits.tracks),
    seq: fc.integer({ min: -1, max: wireLimits.count - 1 }),
    key: hex(8),
    size: fc.constant(0),
    root: fc.oneof(fc.constant(''), hex(32)),
    etag: text(wireLimits.etagBytes),
    from: fc.constant(0),
    frontier: fc.constant(0),
    to: fc.constant(0),
    source: fc.constantFrom('held' as const, 'edge' as const, 'relay' as const),
    hops: fc.nat(wireLimits.hops),
    etaMs: count,
    rateBps: count,
    epoch: count,
  })
  .chain(base =>
    fc.tuple(bytes, bytes, bytes, fc.boolean()).map(([a, b, c, open]) => {
      const [from, frontier, size] = [a, b, c].sort((x, y) => x - y) as [number, number, number]
      return { ...base, from, frontier, to: frontier, size: open ? 0 : size }
    }),
  )

const message: fc.Arbitrary<ExtensionMessage> = fc.oneof(
  offer,
  fc.record({
    type: fc.constant('track' as const),
    id: fc.nat(wireLimits.tracks),
    path: text(wireLimits.pathBytes),
  }),
  fc.record({ type: fc.constant('grow' as const), n, frontier: bytes, size: fc.constant(0), rateBps: count }),
  fc.record({
    type: fc.constant('withdraw' as const),
    n,
    offset: bytes,
    reason: fc.constantFrom(
      'evicted' as const,
      'yielded' as const,
      'failed' as const,
      'void' as const,
      'renumber' as const,
    ),
  }),
  fc.record({
    type: fc.constant('position' as const),
    tracks: fc.array(fc.nat(wireLimits.tracks), { maxLength: wireLimits.playing }),
    seq: fc.integer({ min: -1, max: wireLimits.count - 1 }),
    bufferMs: count,
    rate: count,
    paused: fc.boolean(),
    hidden: fc.boolean(),
    mode,
    edgeBps: count,
    uplinkBps: count,
  }),
  fc.record({ type: fc.constant('beacon' as const), epoch: count, hops: fc.nat(wireLimits.hops) }),
  fc.record({ type: fc.constant('busy' as const), on: fc.boolean() }),
  fc.record({ type: fc.constantFrom('ping' as const, 'pong' as const), id: count }),
  fc.record({ type: fc.constant('goaway' as const), reason: text(wireLimits.reasonBytes) }),
  fc.record({
    type: fc.constant('doubled' as const),
    n: fc.nat(wireLimits.offers - 1),
    by: hex(20),
  }),
)

describe('the wire codec', () => {
  it('reads a position of before uplinks were told', () => {
    const position = {
      type: 'position' as const,
      tracks: [1],
      seq: 3,
      bufferMs: 4_000,
      rate: 100,
      paused: false,
      hidden: false,
      mode: 'share' as const,
      edgeBps: 90_000,
      uplinkBps: 0,
    }
    const now = encodeMessage(position)!
    expect(decodeMessage(now.subarray(0, now.length - 1))).toEqual({
      type: 'message',
      message: position,
      payload: null,
    })
  })

  it('gives back every message it encodes', () => {
    fc.assert(
      fc.property(message, sent => {
        const encoded = encodeMessage(sent)
        expect(encoded).not.toBeNull()
        expect(decodeMessage(encoded!)).toEqual({ type: 'message', message: sent, payload: null })
      }),
      { numRuns: 2000 },
    )
  })

  it('carries block hashes as the payload beside their message', () => {
    fc.assert(
      fc.property(
        n,
        fc.nat(1000),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        (offerNumber, first, seed) => {
          const payload = new Uint8Array(seed.length * 32).fill(seed[0]!)
          const hashes = { type: 'hashes' as const, n: offerNumber, first, count: seed.length }
          expect(decodeMessage(encodeMessage(hashes, payload)!)).toEqual({
            type: 'message',
            message: hashes,
            payload,
          })
        },
      ),
    )
  })

  it('never throws on arbitrary bytes and never yields a message it would not send itself', () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      // Bytes behind a known type get further than noise.
      fc
        .tuple(fc.integer({ min: 1, max: 11 }), fc.uint8Array({ maxLength: 300 }))
        .map(([t, rest]) => Uint8Array.of(t, ...rest)),
      // And a valid message with a few bytes changed gets furthest.
      fc
        .tuple(message, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat(4))
        .map(([valid, edits, cut]) => {
          const encoded = encodeMessage(valid)!
          for (const [at, value] of edits) encoded[at % encoded.length] = value
          return encoded.subarray(0, encoded.length - cut)
        }),
    )
    fc.assert(
      fc.property(hostile, input => {
        const decoded = decodeMessage(input)
        if (decoded.type !== 'message') return
        const again = encodeMessage(decoded.message, decoded.payload ?? undefined)
        expect(again).not.toBeNull()
        expect(decodeMessage(again!)).toEqual(decoded)
      }),
      { numRuns: 5000 },
    )
  })

  it('ignores fields and types of later versions', () => {
    const ping = encodeMessage({ type: 'ping', id: 7 })!
    expect(decodeMessage(Uint8Array.of(...ping, 1, 2, 3))).toMatchObject({
      type: 'message',
      message: { id: 7 },
    })
    expect(decodeMessage(Uint8Array.of(200, 1, 2))).toEqual({ type: 'unknown' })
  })

  it('rounds measured values and holds them within bounds', () => {
    const grow = { type: 'grow' as const, n: 1, frontier: 16384, size: 0, rateBps: 1234.6 }
    expect(decodeMessage(encodeMessage(grow)!)).toMatchObject({ message: { rateBps: 1235 } })
    const never = encodeMessage({ ...grow, rateBps: Number.POSITIVE_INFINITY })!
    expect(decodeMessage(never)).toMatchObject({ message: { rateBps: wireLimits.count } })
    expect(decodeMessage(encodeMessage({ ...grow, rateBps: Number.NaN })!)).toMatchObject({
      message: { rateBps: 0 },
    })
  })

  it.each([
    [
      'an offer number the package would forget',
      { type: 'grow', n: 400_000, frontier: 0, size: 0, rateBps: 0 },
    ],
    ['a frontier beyond the size', { type: 'grow', n: 1, frontier: 2, size: 1, rateBps: 0 }],
    ['a path too long', { type: 'track', id: 1, path: 'a'.repeat(4097) }],
    ['hashes without their payload', { type: 'hashes', n: 1, first: 0, count: 1 }],
  ] satisfies [string, ExtensionMessage][])('does not send %s', (_, refused) => {
    expect(encodeMessage(refused)).toBeNull()
  })

  it('reads the hello of a later version as ours and refuses nonsense', () => {
    const hello = { v: 1, mode: 'leech' as const, reqq: 256 }
    expect(parseHello(helloFields(hello))).toEqual(hello)
    expect(parseHello({ v: 9, mode: 0, reqq: 10, more: 1 })).toEqual({ v: 1, mode: 'share', reqq: 10 })
    for (const fields of [
      {},
      { v: 0, mode: 0, reqq: 1 },
      { v: 1, mode: 7, reqq: 1 },
      { v: 1, mode: 0, reqq: 1.5 },
    ]) {
      expect(parseHello(fields)).toBeNull()
    }
  })
})
