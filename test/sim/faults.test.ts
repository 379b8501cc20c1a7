import { expect, it } from 'vitest'
import { createBooks } from './books.ts'
import { createClock } from './clock.ts'
import { figuresOf } from './figures.ts'
import { createFlow } from './flow.ts'
import { createNetwork, type Link } from './network.ts'
import { createDice } from './random.ts'
import { run } from './runs.ts'
import { officeScenario, type Partition, type Scenario } from './scenario.ts'
import { createAccess, createAir, createSite, type Site } from './site.ts'
import type { Station } from './station.ts'

const quick: Scenario = { ...officeScenario, viewers: 8, durationMs: 60_000, joinOverMs: 5_000 }

function setUp(partitions: readonly Partition[]) {
  const clock = createClock()
  const network = createNetwork(clock, createDice(1), createBooks(), {
    setupMs: [100, 100],
    dialFailure: 0,
    outsideDelayMs: [10, 10],
    iceTimeoutMs: [15_000, 15_000],
    partitions,
  })
  const plan = { lineBps: 1e9, discipline: 'fair', lanDelayMs: 1, edgeDelayMs: 10 } as const
  const site = createSite(clock, 'site', plan)
  const stationAt = (index: number, where: Site = site): Station => ({
    index,
    id: String(index).repeat(40),
    site: where,
    access: createAccess(clock, `viewer ${index}`, 1e8, 1e8),
    conduct: 'honest',
    mode: 'share',
    clock,
    dice: createDice(index),
    joinedAt: 0,
    clockOffsetMs: 0,
    mediaOffsetMs: 0,
    alive: true,
  })
  const heard: string[] = []
  const connect = (from: Station, to: Station): Map<Station, Link> => {
    const links = new Map<Station, Link>()
    network.dial(from, to, {
      opened(at, link) {
        links.set(at, link)
        link.listen({
          onPacket: body => heard.push(`${body} ${Math.round(clock.now())}`),
          onDrained() {},
          onClose: reason => heard.push(`${at.index} ${reason} ${Math.round(clock.now())}`),
        })
      },
      failed: () => heard.push(`failed ${Math.round(clock.now())}`),
      lost() {},
    })
    return links
  }
  return { clock, stationAt, connect, heard }
}

const control = (body: string) => ({ body, controlBytes: 30, digestBytes: 0, mediaBytes: 0, segment: null })

it('lets nothing pass between the halves of a split site, and what was said before it heals comes after', () => {
  const { clock, stationAt, connect, heard } = setUp([{ fromMs: 1_000, toMs: 6_000 }])
  const [a, b, c] = [stationAt(0), stationAt(1), stationAt(2)]
  const across = connect(a, b)
  const within = connect(a, c)
  clock.runUntil(2_000)
  across.get(a)!.send(control('across'))
  within.get(a)!.send(control('within'))
  connect(a, stationAt(3))
  clock.runUntil(5_900)
  expect(heard).toEqual(['within 2001'])
  clock.runUntil(12_000)
  expect(heard.map(line => line.split(' ')[0])).toEqual(['within', 'failed', 'across'])
  expect(Number(heard.find(line => line.startsWith('across'))!.split(' ')[1])).toBeGreaterThan(6_000)
})

it('ends the links across a split that outlasts the patience of ICE', () => {
  const { clock, stationAt, connect, heard } = setUp([{ fromMs: 1_000, toMs: 30_000 }])
  connect(stationAt(0), stationAt(1))
  clock.runUntil(40_000)
  expect(heard).toEqual(['0 ice-failed 16000', '1 ice-failed 16000'])
})

it('takes from the air twice what one viewer passes to another at the same access point', () => {
  const clock = createClock()
  const air = createAir(clock, 'air', 8_000_000)
  const times: number[] = []
  const flow = createFlow(clock, { lines: [air.up, air.down], delayMs: 1 })
  flow.push({ bytes: 100_000, urgent: false, arrive: () => times.push(clock.now()) })
  clock.runUntil(5_000)
  expect(air.down.carriedBytes()).toBe(200_000)
  expect(times.at(-1)).toBeGreaterThan(199)
})

it('makes viewers on one access point share its air', () => {
  const wifi = { viewers: 8, airBps: 6_000_000 }
  const crowded = figuresOf(run({ ...quick, wifi }, 'http', 1))
  const roomy = figuresOf(run({ ...quick, wifi: { ...wifi, viewers: 2 } }, 'http', 1))
  expect(crowded.detail.stallSecondsPerViewerMinute).toBeGreaterThan(5)
  expect(roomy.stalls).toBe(0)
})

it('kills whoever fetches most, again and again, and puts somebody in the seat', () => {
  const outcome = run({ ...quick, fetcherDiesMs: 8_000 }, 'nearcast', 1)
  const gone = outcome.viewings.filter(viewing => viewing.leftAt! < 60_000)
  expect(gone.length).toBeGreaterThanOrEqual(5)
  // Whoever died last may not have been replaced yet.
  expect(outcome.viewings.length - gone.length).toBeGreaterThanOrEqual(7)
  expect(outcome.violations).toEqual([])
})

it('needs a copy for each half of a split office, and not much more', () => {
  const split = { ...quick, partitions: [{ fromMs: 20_000, toMs: 40_000 }] }
  const figures = figuresOf(run(split, 'nearcast', 1))
  expect(figures.detail.copiesWhileSplit).toBeGreaterThan(1.2)
  expect(figures.detail.copiesWhileSplit).toBeLessThan(2.3)
  expect(figuresOf(run(quick, 'nearcast', 1)).detail.copiesWhileSplit).toBe(0)
})
