import { expect, it } from 'vitest'
import { createBooks } from './books.ts'
import { createClock } from './clock.ts'
import type { Matching } from './matching.ts'
import { createNetwork } from './network.ts'
import type { Agent } from './policy.ts'
import { createDice } from './random.ts'
import { createAccess, createSite } from './site.ts'
import type { Station } from './station.ts'
import { createTracker } from './tracker.ts'

const noAgent: Agent = {
  setPlaylist() {},
  setPosition() {},
  want: () => ({ cancel() {} }),
  linkOpened() {},
  setPolicy() {},
  close() {},
}

/** So many stations in two sites, one joining each 100 ms. */
function gather(matching: Matching, count: number) {
  const clock = createClock()
  const dice = createDice(1)
  const books = createBooks()
  const network = createNetwork(clock, dice.fork('network'), books, {
    setupMs: [10, 20],
    dialFailure: 0,
    outsideDelayMs: [10, 20],
    iceTimeoutMs: [15_000, 15_000],
    partitions: [],
  })
  const tracker = createTracker(clock, dice.fork('tracker'), books, network, {
    matching,
    downFromMs: Number.POSITIVE_INFINITY,
    announceMs: [20, 20],
    intervalMs: 30_000,
    groupLinks: 24,
    outsideLinks: 0,
    lineKbps: 0,
  })
  const sites = ['one', 'two'].map(name =>
    createSite(clock, name, { lineBps: 1e9, discipline: 'fair', lanDelayMs: 1, edgeDelayMs: 10 }),
  )
  const links = new Map<Station, Station['site'][]>()
  const stations = Array.from({ length: count }, (_, index): Station => {
    const id = dice.hex(40)
    return {
      index,
      id,
      site: sites[index % 2]!,
      access: createAccess(clock, 'viewer', 1e9, 1e9),
      conduct: 'honest',
      mode: 'share',
      clock,
      dice: dice.fork(id),
      joinedAt: 0,
      clockOffsetMs: 0,
      mediaOffsetMs: 0,
      alive: true,
    }
  })
  const siteOf = new Map(stations.map(station => [station.id, station.site]))
  stations.forEach((station, i) => {
    links.set(station, [])
    const agent: Agent = {
      ...noAgent,
      linkOpened: link => links.get(station)!.push(siteOf.get(link.peer)!),
    }
    clock.at(i * 100, () => tracker.join(station, agent))
  })
  return { clock, stations, links, network }
}

const open: Matching = {
  type: 'random',
  offers: 5,
  offerBelow: Number.POSITIVE_INFINITY,
  acceptBelow: Number.POSITIVE_INFINITY,
}

it('names anybody at random where the protocol does, across sites too', () => {
  const { clock, stations, links } = gather(open, 40)
  clock.runUntil(5_000)
  const across = stations.flatMap(station => links.get(station)!.filter(site => site !== station.site))
  const all = stations.flatMap(station => links.get(station)!)
  expect(across.length / all.length).toBeGreaterThan(0.35)
  expect(across.length / all.length).toBeLessThan(0.65)
  expect(gatherNearest()).toBe(0)

  function gatherNearest(): number {
    const nearest = gather({ type: 'nearest' }, 40)
    nearest.clock.runUntil(5_000)
    return nearest.stations.flatMap(station =>
      nearest.links.get(station)!.filter(site => site !== station.site),
    ).length
  }
})

it('dials five others an announce, more with each beat, and everybody in a small swarm', () => {
  const { clock, stations, network } = gather(open, 100)
  clock.runUntil(12_000)
  const mean = (): number =>
    stations.reduce((sum, station) => sum + network.linksOf(station), 0) / stations.length
  expect(mean()).toBeGreaterThan(9)
  expect(mean()).toBeLessThanOrEqual(10)
  clock.runUntil(75_000)
  expect(mean()).toBeGreaterThan(20)
  const few = gather(open, 6)
  few.clock.runUntil(5_000)
  for (const station of few.stations) expect(few.network.linksOf(station)).toBe(5)
})

it('offers below one bound, and answers below another', () => {
  const { clock, stations, network } = gather({ ...open, offerBelow: 8, acceptBelow: 12 }, 60)
  clock.runUntil(300_000)
  for (const station of stations) expect(network.linksOf(station)).toBeLessThanOrEqual(12)
  expect(Math.max(...stations.map(station => network.linksOf(station)))).toBeGreaterThan(8)
})
