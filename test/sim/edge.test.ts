import { expect, it } from 'vitest'
import { createBooks } from './books.ts'
import { createClock } from './clock.ts'
import { createEdge, type EdgeAsk, type Outage } from './edge.ts'
import { createDice } from './random.ts'
import { officeScenario } from './scenario.ts'
import { createAccess, createSite } from './site.ts'
import type { Station } from './station.ts'
import { createStream, type Segment } from './stream.ts'

const stream = createStream(1, { ...officeScenario.stream, kind: 'vod', vodSegments: 50 })
const segments = stream.playlist('video', 0).segments

function setUp(lineBps: number, outages: readonly Outage[] = []) {
  const clock = createClock()
  const books = createBooks()
  const site = createSite(clock, 'site', { lineBps, discipline: 'fair', lanDelayMs: 1, edgeDelayMs: 10 })
  const station: Station = {
    index: 0,
    id: '0'.repeat(40),
    site,
    access: createAccess(clock, 'viewer', 100e6, 100e6),
    conduct: 'honest',
    mode: 'share',
    clock,
    dice: createDice(1),
    joinedAt: 0,
    clockOffsetMs: 0,
    mediaOffsetMs: 0,
    alive: true,
  }
  const plan = { thinkMs: 5, setupRoundTrips: 2, outages }
  const edge = createEdge(clock, books, plan, segment => segment.seq < 40)
  const seen: string[] = []
  const ask = (segment: Segment, more: Partial<EdgeAsk> = {}): EdgeAsk => ({
    what: 'media',
    segment,
    bytes: segment.size,
    onData() {},
    onDone: () => seen.push(`done ${segment.seq} ${Math.round(clock.now())}`),
    onFail: trouble => seen.push(`${trouble} ${segment.seq} ${Math.round(clock.now())}`),
    ...more,
  })
  return { clock, books, client: edge.open(station), ask, seen, site }
}

it('gives every byte once, and counts it on the line', () => {
  const { clock, books, client, ask, seen, site } = setUp(100e6)
  let bytes = 0
  client.fetch(ask(segments[0]!, { onData: slice => (bytes += slice) }))
  clock.runUntil(5_000)
  expect(seen).toHaveLength(1)
  expect(bytes).toBe(segments[0]!.size)
  expect(books.totals().edgeMedia).toBe(bytes)
  expect(site.down.carriedBytes()).toBe(bytes + books.totals().control.headers - 300)
})

it('pays for a connection once, and uses at most six at a time', () => {
  const { clock, client, ask, seen } = setUp(Number.POSITIVE_INFINITY)
  const tiny = { bytes: 1_000 }
  for (let i = 0; i < 7; i++) client.fetch(ask(segments[i]!, tiny))
  clock.runUntil(5_000)
  // Two round trips to connect, one for the request, 5 ms of thinking; the seventh waits for one to be free.
  const times = seen.map(line => Number(line.split(' ')[2]))
  expect(times.slice(0, 6).every(time => time >= 65 && time < 67)).toBe(true)
  expect(times[6]).toBeGreaterThanOrEqual(90)
  expect(times[6]).toBeLessThan(93)
})

it('answers 503 in an outage, nothing at all in a silent one, and 404 before publication', () => {
  const outages: Outage[] = [
    { fromMs: 0, toMs: 1_000, how: 'busy' },
    { fromMs: 20_000, toMs: 60_000, how: 'silent' },
  ]
  const { clock, client, ask, seen } = setUp(100e6, outages)
  client.fetch(ask(segments[0]!))
  clock.runUntil(10_000)
  client.fetch(ask(segments[45]!))
  clock.runUntil(20_000)
  client.fetch(ask(segments[1]!))
  clock.runUntil(90_000)
  expect(seen.map(line => line.split(' ')[0])).toEqual(['busy', 'status', 'timeout'])
})

it('refuses media alone when only that is out', () => {
  const { clock, client, ask, seen } = setUp(100e6, [{ fromMs: 0, toMs: 1_000, how: 'media-busy' }])
  client.fetch(ask(segments[0]!))
  client.fetch({ ...ask(segments[1]!), what: 'playlists', segment: null })
  clock.runUntil(900)
  expect(seen.map(line => line.split(' ')[0]).sort()).toEqual(['busy', 'done'])
})

it('still pays for what was under way when a request is aborted', () => {
  const { clock, books, client, ask, seen } = setUp(2e6)
  const request = client.fetch(ask(segments[0]!))
  clock.runUntil(500)
  request.abort()
  const before = books.totals().edgeMedia
  clock.runUntil(20_000)
  expect(seen).toEqual([])
  expect(books.totals().waste).toBeGreaterThan(5_000)
  expect(books.totals().edgeMedia - before).toBe(books.totals().waste)
  expect(books.totals().edgeMedia).toBeLessThan(segments[0]!.size)
})
