import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { binaryToHex, hexToBinary, isBinaryId } from './binary.ts'
import { placeOf } from './level.ts'
import { parseClientMessage, parseClientText } from './parse-client.ts'
import { parseTrackerMessage, parseTrackerText } from './parse-tracker.ts'
import { type OwnReport, peerings, reportSums } from './report.ts'
import { writeAnnounce, writeReport, writeSignal } from './write-client.ts'
import {
  writeAnswer,
  writeCandidates,
  writeOffer,
  writePush,
  writeRefusal,
  writeResponse,
  writeScrape,
} from './write-tracker.ts'

const infoHash = hexToBinary('00ff7f80aa'.repeat(4))
const peerId = hexToBinary('2d4e43303130302d'.padEnd(40, 'c'))
const other = hexToBinary('2d4e43303130302d'.padEnd(40, 'd'))
const offerId = hexToBinary('e'.repeat(40))
const announce = { action: 'announce', info_hash: infoHash, peer_id: peerId }

describe('binary ids', () => {
  test('survive hex, JSON and UTF-8 for every byte', () => {
    const id = fc
      .uint8Array({ minLength: 20, maxLength: 20 })
      .map(bytes => Buffer.from(bytes).toString('hex'))
    fc.assert(
      fc.property(id, hex => {
        const binary = hexToBinary(hex)
        const frame = Buffer.from(JSON.stringify(binary), 'utf8').toString('utf8')
        expect(isBinaryId(JSON.parse(frame))).toBe(true)
        expect(binaryToHex(JSON.parse(frame))).toBe(hex)
      }),
      { seed: 1 },
    )
  })

  test('count characters, and refuse what is no byte', () => {
    expect(isBinaryId('\u00ff'.repeat(20))).toBe(true)
    expect(isBinaryId('\u0100'.padEnd(20, 'a'))).toBe(false)
    expect(isBinaryId('a'.repeat(19))).toBe(false)
    expect(isBinaryId('a'.repeat(21))).toBe(false)
    expect(isBinaryId([...'a'.repeat(20)])).toBe(false)
  })
})

describe('what a client reports', () => {
  const sum = fc.integer({ min: 0, max: 1e15 })
  const orNull = (most: number) => fc.option(fc.integer({ min: 0, max: most }))
  const report = fc.record({
    ...(Object.fromEntries(reportSums.map(name => [name, sum])) as Record<
      (typeof reportSums)[number],
      typeof sum
    >),
    node: fc.boolean(),
    startMs: orNull(600_000),
    latencyMs: orNull(86_400_000),
    kbps: orNull(1_000_000),
    peering: fc.constantFrom(...peerings),
    fresh: fc.array(fc.record({ hash: fc.nat(0xffff_ffff), bytes: fc.integer({ min: 1, max: 1 << 30 }) }), {
      maxLength: 96,
    }),
  })

  test('comes back as it was written', () => {
    fc.assert(
      fc.property(report, written => {
        expect(parseClientText(writeReport({ infoHash, peerId, report: written as OwnReport }))).toEqual({
          ok: true,
          message: { type: 'report', infoHash, peerId, report: written },
        })
      }),
      { seed: 3 },
    )
  })

  test('is never read as anything but whole numbers within bounds, whatever it says', () => {
    const odd = fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom(-1, 1e16, '5', null, [], {}))
    const field = fc.constantFrom(...reportSums, 'startMs', 'latencyMs', 'kbps', 'peering', 'fresh', 'node')
    fc.assert(
      fc.property(report, fc.dictionary(field, odd), (good, changes) => {
        const parsed = parseClientMessage({ ...announce, nearcast: { report: { ...good, ...changes } } })
        if (!parsed.ok || parsed.message.type !== 'report') throw new Error('no report')
        const read = parsed.message.report
        if (read === null) return
        const numbers = [
          ...reportSums.map(name => read[name]),
          ...read.fresh.flatMap(({ hash, bytes }) => [hash, bytes]),
        ]
        for (const number of numbers) expect(Number.isSafeInteger(number) && number >= 0).toBe(true)
        for (const gauge of [read.startMs, read.latencyMs, read.kbps])
          expect(gauge === null || (Number.isSafeInteger(gauge) && gauge >= 0)).toBe(true)
        expect(peerings).toContain(read.peering)
        expect(read.fresh.length).toBeLessThanOrEqual(96)
      }),
      { seed: 3, numRuns: 500 },
    )
  })

  test('a word that only a newer client knows counts as connecting', () => {
    const own = { ...fc.sample(report, { seed: 1, numRuns: 1 })[0]!, peering: 'quantum-blocked' }
    expect(parseClientText(writeReport({ infoHash, peerId, report: own }))).toMatchObject({
      message: { report: { peering: 'connecting' } },
    })
  })
})

describe('what a client says', () => {
  test('an announce with offers and our fields comes back as it was written', () => {
    const message = {
      infoHash,
      peerId,
      event: 'started' as const,
      numwant: 5,
      offers: [{ offerId, sdp: 'v=0\r\n' }],
      complete: false,
      trackerId: 'abc',
      extras: {
        mode: 'leech' as const,
        have: 2,
        want: 6,
        outcomes: [{ peer: other, ok: true, ms: 80, pair: 'host-host' }],
        childLinks: 8,
        lan: 'a3',
        directed: true,
      },
    }
    expect(parseClientText(writeAnnounce(message))).toEqual({
      ok: true,
      message: { type: 'announce', ...message },
    })
  })

  test.each([
    { type: 'offer' as const, infoHash, peerId, to: other, offerId, sdp: 'v=0' },
    { type: 'answer' as const, infoHash, peerId, to: other, offerId, sdp: 'v=0' },
    { type: 'candidates' as const, infoHash, peerId, to: other, offerId, candidates: ['{"candidate":""}'] },
  ])('$type comes back as it was written', signal => {
    expect(parseClientText(writeSignal(signal))).toMatchObject({ ok: true, message: signal })
  })

  test.each([
    ['absent', {}, true],
    ['null', { left: null }, true],
    ['0', { left: 0 }, true],
    ['more', { left: 700 }, false],
  ])('left %s', (_, fields, complete) => {
    expect(parseClientMessage({ ...announce, ...fields })).toMatchObject({ ok: true, message: { complete } })
  })

  test.each([undefined, null, '', 'update', 'paused', 'empty'])('event %j is an update', event => {
    expect(parseClientMessage({ ...announce, event })).toMatchObject({
      ok: true,
      message: { event: 'update' },
    })
  })

  test('a scrape names one, several or all', () => {
    expect(parseClientMessage({ action: 'scrape' })).toMatchObject({ message: { infoHashes: null } })
    expect(parseClientMessage({ action: 'scrape', info_hash: infoHash })).toMatchObject({
      message: { infoHashes: [infoHash] },
    })
    expect(parseClientMessage({ action: 'scrape', info_hash: [infoHash, offerId] })).toMatchObject({
      message: { infoHashes: [infoHash, offerId] },
    })
  })

  test.each([
    ['null', null],
    ['an array', []],
    ['a number', 7],
    ['a text', 'announce'],
    ['no action', { info_hash: infoHash, peer_id: peerId }],
    ['19 characters', { ...announce, info_hash: 'a'.repeat(19) }],
    ['above U+00FF', { ...announce, peer_id: '\u0394'.repeat(20) }],
    ['offers null', { ...announce, offers: [null] }],
    ['offers an object', { ...announce, offers: {} }],
    [
      'eleven offers',
      { ...announce, offers: Array(11).fill({ offer: { type: 'offer', sdp: 'x' }, offer_id: offerId }) },
    ],
    [
      'an offer that is an answer',
      { ...announce, offers: [{ offer: { type: 'answer', sdp: 'x' }, offer_id: offerId }] },
    ],
    [
      'a huge offer',
      { ...announce, offers: [{ offer: { type: 'offer', sdp: 'x'.repeat(16_385) }, offer_id: offerId }] },
    ],
    ['an answer to nobody', { ...announce, answer: { type: 'answer', sdp: 'x' }, offer_id: offerId }],
    ['an answer without offer_id', { ...announce, to_peer_id: other, answer: { type: 'answer', sdp: 'x' } }],
    ['an answer that is null', { ...announce, to_peer_id: other, offer_id: offerId, answer: null }],
    ['an unknown event', { ...announce, event: 'exploded' }],
    ['scrape of a number', { action: 'scrape', info_hash: 5 }],
    ['scrape of an object', { action: 'scrape', info_hash: { length: 20 } }],
    ['scrape of nothing', { action: 'scrape', info_hash: [] }],
    ['scrape of null', { action: 'scrape', info_hash: null }],
  ])('%s is refused', (_, value) => {
    expect(parseClientMessage(value).ok).toBe(false)
  })

  test('a refusal carries the info_hash whenever there was one', () => {
    const refused = parseClientMessage({ ...announce, offers: [null] })
    expect(refused).toMatchObject({ refusal: { action: 'announce', infoHash } })
    expect(parseClientMessage(null)).toMatchObject({ refusal: { infoHash: null } })
  })

  test('odd values in our own fields do no harm', () => {
    const nearcast = {
      mode: 'x',
      neighbours: { have: -1, want: 1e99 },
      caps: 'directed',
      outcomes: [null, { peer: 1 }],
    }
    expect(parseClientMessage({ ...announce, nearcast })).toMatchObject({
      message: {
        extras: {
          mode: 'share',
          have: 0,
          want: 0,
          outcomes: [],
          childLinks: null,
          lan: null,
          directed: false,
        },
      },
    })
    expect(parseClientMessage({ ...announce, nearcast: [] })).toMatchObject({ message: { extras: null } })
  })
})

describe('what a tracker says', () => {
  test('a response comes back as it was written', () => {
    const extras = {
      group: { label: 'ab12', level: 'site' as const, size: 12 },
      policy: { mode: 'share' as const, wan: 'deny' as const, uploadKbps: 0, lineKbps: 20_000 },
      neighbours: [{ peerId: other, level: 'site' as const }],
      ice: ['stun:192.0.2.1:8080'],
      reconnect: { afterMs: 500 },
    }
    const text = writeResponse({
      infoHash,
      interval: 120,
      complete: 1,
      incomplete: 2,
      trackerId: 't',
      extras,
    })
    expect(parseTrackerText(text)).toEqual({
      type: 'response',
      infoHash,
      interval: 120,
      counts: { complete: 1, incomplete: 2 },
      trackerId: 't',
      warning: '',
      extras,
    })
    expect(parseTrackerText(writePush(infoHash, extras))).toMatchObject({
      counts: null,
      interval: null,
      extras,
    })
  })

  test('offers, answers and candidates come back as they were written', () => {
    expect(parseTrackerText(writeOffer(infoHash, other, offerId, '"v=0"', null))).toEqual({
      type: 'offer',
      infoHash,
      from: other,
      offerId,
      sdp: 'v=0',
      level: null,
      trickle: false,
    })
    expect(
      parseTrackerText(writeOffer(infoHash, other, offerId, '"v=0"', { level: 'far', trickle: true })),
    ).toMatchObject({
      level: 'far',
      trickle: true,
    })
    expect(parseTrackerText(writeAnswer(infoHash, other, offerId, '"v=0"'))).toMatchObject({
      type: 'answer',
      from: other,
    })
    expect(parseTrackerText(writeCandidates(infoHash, other, offerId, ['x']))).toMatchObject({
      candidates: ['x'],
    })
  })

  test('a scrape and a failure come back as they were written', () => {
    const swarm = { infoHash, complete: 1, incomplete: 2, downloaded: 3 }
    expect(parseTrackerText(writeScrape([swarm], 60))).toEqual({ type: 'scrape', files: [swarm] })
    const text = writeRefusal({ action: 'announce', infoHash, reason: 'no' })
    expect(parseTrackerText(text ?? '')).toEqual({ type: 'failure', infoHash, reason: 'no' })
  })

  test('a refusal of an announce without info_hash cannot be said; the reference client would crash', () => {
    expect(writeRefusal({ action: 'announce', infoHash: null, reason: 'no' })).toBeNull()
  })

  test('a hostile tracker cannot name a relay, a wild interval or a policy that does not exist', () => {
    const nearcast = {
      ice: { urls: ['turn:203.0.113.9', 'stun:203.0.113.9', 7, 'stun:x?transport=tcp'] },
      policy: { mode: 'on', wan: 7, uploadKbps: -1, lineKbps: 5 },
      group: { label: 'x', level: 'planet', size: 3 },
      neighbours: [null, { peer_id: 'short', level: 'site' }, { peer_id: other, level: 'site' }],
      reconnect: { afterMs: -5 },
    }
    expect(
      parseTrackerMessage({ action: 'announce', info_hash: infoHash, interval: Number.NaN, nearcast }),
    ).toEqual({
      type: 'response',
      infoHash,
      interval: null,
      counts: null,
      trackerId: '',
      warning: '',
      extras: {
        ice: ['stun:203.0.113.9'],
        policy: { lineKbps: 5 },
        neighbours: [{ peerId: other, level: 'site' }],
      },
    })
  })
})

describe('place', () => {
  test('a shared prefix is the group only when nobody is nearer', () => {
    expect(placeOf('prefix', 'prefix')).toBe('group')
    expect(placeOf('prefix', 'address')).toBe('outside')
    expect(placeOf('prefix', 'site')).toBe('outside')
    expect(placeOf('site', 'site')).toBe('group')
    expect(placeOf('far', 'prefix')).toBe('outside')
    expect(placeOf(null, null)).toBe('group')
  })
})

test('neither parser throws on any JSON', () => {
  const keys = [
    'action',
    'info_hash',
    'peer_id',
    'to_peer_id',
    'offer_id',
    'offers',
    'offer',
    'answer',
    'nearcast',
    'files',
    'left',
    'event',
  ]
  const ids = fc.constantFrom(infoHash, peerId, 'announce', 'scrape', '__proto__')
  const shape = fc.dictionary(fc.constantFrom(...keys), fc.oneof(ids, fc.jsonValue({ maxDepth: 4 })))
  fc.assert(
    fc.property(fc.oneof(shape, fc.jsonValue()), value => {
      parseClientMessage(value)
      parseTrackerMessage(value)
    }),
    { seed: 7, numRuns: 5_000 },
  )
  const deep = '['.repeat(30_000) + ']'.repeat(30_000)
  expect(parseClientText(deep).ok).toBe(false)
  expect(parseTrackerText(`{"action":"announce","info_hash":${deep}}`)).toBeNull()
})
