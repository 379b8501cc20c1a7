import { expect, it } from 'vitest'
import type { Decision, View } from './rules.ts'
import { createDesk, type Desk, type Stranger } from './testing/desk.ts'
import { type Message, sendChunk, sendMessage } from './wire.ts'

/** Everything missing over HTTP, one after the other. */
const firstOverHttp = (view: View): readonly Decision[] => {
  const first = view.missing[0]
  return first === undefined || first.loading !== null || first.isSpent
    ? []
    : [{ type: 'http', segment: first.segment }]
}

const firstFromPeer = (view: View): readonly Decision[] => {
  const first = view.missing[0]
  const holder = first?.holders()[0]
  return first === undefined || first.loading !== null || holder === undefined
    ? []
    : [{ type: 'p2p', segment: first.segment, peer: holder.peer }]
}

function run(desk: Desk, ms: number): void {
  desk.clock.runUntil(desk.clock.now() + ms)
}

function lastOf<T extends Message['type']>(
  heard: readonly Message[],
  type: T,
): Extract<Message, { type: T }> {
  const found = heard.findLast(message => message.type === type)
  if (found === undefined) throw new Error(`no ${type} was heard`)
  return found as Extract<Message, { type: T }>
}

/** Gives so many messages of 64 KiB of what was asked for last. */
function give(desk: Desk, stranger: Stranger, chunks: number): void {
  const { id, segment, from } = lastOf(stranger.heard, 'request')
  for (let i = 0, at = from; i < chunks && at < segment.size; i++) {
    const bytes = Math.min(65_536, segment.size - at)
    at += bytes
    const chunk = { type: 'chunk', track: 'video', id, bytes, last: at === segment.size } as const
    sendChunk(stranger.link, segment, chunk, i === 0)
  }
  run(desk, 100)
}

it('tells everybody the whole lists at each change: when HTTP begins, and when a segment is held', () => {
  const desk = createDesk()
  const strangers = [desk.meet(), desk.meet()]
  const [segment] = desk.segments
  desk.decide(firstOverHttp)
  desk.want(segment!)
  run(desk, 20)
  for (const { heard } of strangers) {
    expect(lastOf(heard, 'announce').list).toEqual({ held: new Set(), fetching: new Set([segment!.key]) })
  }
  desk.decide(() => [])
  run(desk, 2_000)
  for (const { heard } of strangers) {
    expect(lastOf(heard, 'announce').list).toEqual({ held: new Set([segment!.key]), fetching: new Set() })
  }
  expect(desk.told).toEqual(['got 0'])
})

it('announces nothing of what it takes from a peer until it has it', () => {
  const desk = createDesk()
  const giver = desk.meet()
  const other = desk.meet()
  const [segment] = desk.segments
  desk.decide(firstFromPeer)
  desk.want(segment!)
  giver.announce({ held: new Set([segment!.key]) })
  const before = other.heard.length
  give(desk, giver, 2)
  expect(other.heard).toHaveLength(before)
  giver.announce({ held: new Set([segment!.key]) })
  expect(other.heard).toHaveLength(before)
})

it('gives a silent peer two seconds, and drops it after three times', () => {
  const desk = createDesk()
  const silent = desk.meet()
  desk.decide(firstFromPeer)
  desk.want(desk.segments[0]!)
  silent.announce({ held: new Set([desk.segments[0]!.key]) })
  const asked = (): number => silent.heard.filter(({ type }) => type === 'request').length
  run(desk, 1_900)
  expect(asked()).toBe(1)
  run(desk, 200)
  expect(asked()).toBe(2)
  expect(lastOf(silent.heard, 'cancel')).toBeDefined()
  run(desk, 2_000)
  expect(desk.dropped).toEqual([])
  run(desk, 2_000)
  expect(desk.dropped).toEqual([silent.id])
  expect(asked()).toBe(3)
})

it('forgives a peer its timeouts once it gives a whole segment', () => {
  const desk = createDesk()
  const late = desk.meet()
  desk.decide(firstFromPeer)
  desk.want(desk.segments[0]!)
  late.announce({ held: new Set(desk.segments.map(({ key }) => key)) })
  run(desk, 4_100)
  give(desk, late, 99)
  expect(desk.told).toEqual(['got 0'])
  desk.want(desk.segments[1]!)
  run(desk, 4_100)
  expect(desk.dropped).toEqual([])
})

it('gives a silent edge three seconds, three times, then tells the player', () => {
  const desk = createDesk([{ fromMs: 0, toMs: 60_000, how: 'silent' }])
  desk.decide(firstOverHttp)
  desk.want(desk.segments[0]!)
  run(desk, 8_900)
  expect(desk.told).toEqual([])
  run(desk, 200)
  expect(desk.told).toEqual(['edge-timeout 0'])
})

it('moves a copy from a peer to HTTP from where it stopped', () => {
  const desk = createDesk()
  const giver = desk.meet()
  const [segment] = desk.segments
  desk.decide(firstFromPeer)
  desk.want(segment!)
  giver.announce({ held: new Set([segment!.key]) })
  give(desk, giver, 2)
  desk.decide(view =>
    view.missing[0]?.loading === 'p2p' ? [{ type: 'http', segment: view.missing[0].segment }] : [],
  )
  giver.announce({})
  desk.decide(() => [])
  run(desk, 2_000)
  expect(lastOf(giver.heard, 'cancel')).toBeDefined()
  expect(desk.deliveries).toEqual([
    { origin: 'edge', edgeBytes: segment!.size - 131_072, peerBytes: 131_072 },
  ])
  expect(desk.books.totals()).toMatchObject({
    edgeMedia: segment!.size - 131_072,
    usefulEdge: segment!.size - 131_072,
    usefulPeer: 131_072,
  })
})

it('loses what came of an aborted download, and no longer announces it', () => {
  const desk = createDesk([], 2e6)
  const other = desk.meet()
  const [segment] = desk.segments
  desk.decide(firstOverHttp)
  desk.want(segment!)
  run(desk, 1_000)
  const lost = desk.books.totals().edgeMedia
  expect(lost).toBeGreaterThan(100_000)
  desk.decide(view =>
    view.missing[0]?.loading === 'http' ? [{ type: 'abort', segment: view.missing[0].segment }] : [],
  )
  other.announce({})
  run(desk, 50)
  expect(lastOf(other.heard, 'announce').list.fetching).toEqual(new Set())
  desk.decide(firstOverHttp)
  other.announce({})
  other.announce({})
  desk.decide(() => [])
  run(desk, 8_000)
  expect(desk.told).toEqual(['got 0'])
  expect(desk.books.totals().usefulEdge).toBe(segment!.size)
  expect(desk.books.totals().edgeMedia).toBeGreaterThanOrEqual(segment!.size + lost)
})

it('gives one segment at a time on a link: a new request ends the one before', () => {
  const desk = createDesk()
  const [first, second] = desk.segments
  desk.decide(firstOverHttp)
  desk.want(first!)
  run(desk, 1_000)
  desk.want(second!)
  run(desk, 1_000)
  const taker = desk.meet()
  const ask = (id: number, segment: typeof first, from: number): void =>
    sendMessage(taker.link, { type: 'request', track: 'video', id, segment: segment!, from })
  ask(1, first, 0)
  ask(2, second, 65_536)
  run(desk, 2_000)
  const bytesOf = (id: number): number =>
    taker.heard.reduce(
      (sum, message) => sum + (message.type === 'chunk' && message.id === id ? message.bytes : 0),
      0,
    )
  expect(bytesOf(2)).toBe(second!.size - 65_536)
  // One message was through and two in the channel already.
  expect(bytesOf(1)).toBeLessThanOrEqual(196_608)
  expect(bytesOf(1)).toBeLessThan(first!.size)
})

it('says what it does not hold', () => {
  const desk = createDesk()
  const taker = desk.meet()
  sendMessage(taker.link, { type: 'request', track: 'video', id: 7, segment: desk.segments[0]!, from: 0 })
  run(desk, 100)
  expect(lastOf(taker.heard, 'absent').id).toBe(7)
})

it('ends what neither the player nor the queue wants any more', () => {
  const desk = createDesk([], 2e6)
  const [first, , , , , sixth] = desk.segments
  desk.decide(firstOverHttp)
  desk.want(first!)
  run(desk, 300)
  desk.want(sixth!)
  run(desk, 300)
  desk.decide(() => [])
  run(desk, 8_000)
  expect(desk.told).toEqual(['got 5'])
  expect(desk.books.totals().edgeMedia).toBeLessThan(sixth!.size + first!.size / 2)
})
