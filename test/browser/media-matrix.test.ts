import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ViewerReport } from './pages/viewer.ts'
import { median, openStage, reportWhen, type Stage, type Viewer } from './stage.ts'

/** Acceptance: three viewers, every kind of media, every byte as at the edge, one copy for the group. */

let stage: Stage
const open: Viewer[] = []

beforeAll(async () => {
  stage = await openStage()
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
afterAll(() => stage?.close())

const viewers = 3
/** Media bodies from the edge for each byte that somebody in the group watched; 1 is the floor. */
const mostCopies = 1.05
/** Segments of live over which the share is taken: one that came twice is 1/27 of it, which the twentieth bears. */
const steadySlots = 9

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

/** Bytes of everything that at least one of them loaded: what one copy of it costs. */
function oneCopy(reports: readonly ViewerReport[]): number {
  const sizes = new Map<string, number>()
  for (const { loaded } of reports) {
    for (const { url, from, to, bytes } of loaded) sizes.set(`${url} ${from} ${to}`, bytes)
  }
  return sum([...sizes.values()])
}

function expectSmooth(report: ViewerReport): void {
  expect(report.stalls).toEqual([])
  expect(report.errors.filter(error => error.includes('fatal'))).toEqual([])
  expect(report.warnings).toEqual([])
  expect(report.startMs).toBeGreaterThan(0)
}

/** No stall of ours, unless the machine makes plain players stand still as well: then not more than theirs. */
function expectSmoothBeside(reports: readonly PairReport[]): void {
  const stalled = (report: ViewerReport) => sum(report.stalls.map(({ ms }) => ms))
  const [mine, theirs] = [
    sum(reports.map(({ ours }) => stalled(ours))),
    sum(reports.map(({ plain }) => stalled(plain))),
  ]
  if (theirs > 0) console.log(`stalls: ${Math.round(mine)} ms, plain ${Math.round(theirs)} ms`)
  expect(mine).toBeLessThanOrEqual(theirs)
  for (const { ours } of reports) expectSmooth({ ...ours, stalls: [] })
}

async function add(stream: string, setup: Parameters<Viewer['start']>[0] = {}): Promise<Viewer> {
  const viewer = await stage.viewer()
  open.push(viewer)
  await viewer.start({ url: stage.url(stream), ...setup })
  return viewer
}

interface Pair {
  readonly plain: Viewer
  readonly ours: Viewer
}

/**
 * Plain viewers and ours start in pairs, so that neither kind has the machine for itself. Live, both of a pair start at
 * one moment, for the latency depends on it; a recording's one after the other, for they would slow each other down.
 */
async function addPairs(stream: string, how: 'together' | 'in turn'): Promise<Pair[]> {
  const started = async (setup: Parameters<Viewer['start']>[0]) => {
    const viewer = await add(stream, setup)
    await reportWhen(
      viewer,
      ({ currentTime, startMs }) => startMs > 0 && (how === 'together' || currentTime > 3),
    )
    return viewer
  }
  const pairs: Pair[] = []
  for (let index = 0; index < viewers; index++) {
    const first = started({ nearcast: null })
    if (how === 'in turn') await first
    const [plain, ours] = await Promise.all([first, started({})])
    pairs.push({ plain, ours })
  }
  return pairs
}

interface PairReport {
  readonly plain: ViewerReport
  readonly ours: ViewerReport
}

const reportsOf = (pairs: readonly Pair[]): Promise<PairReport[]> =>
  Promise.all(
    pairs.map(async ({ plain, ours }) => ({ plain: await plain.report(), ours: await ours.report() })),
  )

describe('recordings', () => {
  for (const stream of ['ts', 'fmp4', 'aes', 'byterange', 'discontinuity', 'query-7', 'query-8']) {
    it(`shares "${stream}" byte for byte`, async () => {
      const watching: Viewer[] = []
      for (let index = 0; index < viewers; index++) {
        watching.push(await add(stream, { peersFirst: index }))
        await reportWhen(watching.at(-1)!, ({ loaded }) => loaded.length >= 2)
      }
      const reports = await Promise.all(
        watching.map(viewer =>
          reportWhen(viewer, ({ currentTime, loaded }) => currentTime > 4 && loaded.length >= 8),
        ),
      )
      for (const report of reports) expectSmooth(report)
      expect(await stage.expectTruth(reports)).toBe(sum(reports.map(({ loaded }) => loaded.length)))
      const [edge, group] = (['edge', 'group'] as const).map(from =>
        sum(reports.map(({ snapshot }) => snapshot!.swarm!.bytes[from])),
      ) as [number, number]
      // Viewers may choose different renditions: what nobody else watches, nobody else can give.
      const copies = edge / oneCopy(reports)
      console.log(
        `${stream}: ${copies.toFixed(3)} copies, edge ${edge}, group ${group}, share ${(group / (edge + group)).toFixed(3)}`,
      )
      expect(copies).toBeLessThanOrEqual(mostCopies)
      expect(group).toBeGreaterThan(edge)
      for (const { snapshot } of reports) {
        expect(snapshot?.swarm?.verification).toMatchObject({ digests: 'present', banned: 0 })
      }
    })
  }

  for (const stream of ['ts', 'fmp4']) {
    it(`starts "${stream}" as soon and as sharp as the plain player`, async () => {
      const reports = await reportsOf(await addPairs(stream, 'in turn'))
      expectSmoothBeside(reports)
      compare(`${stream} startup (s)`, report => report.startMs / 1000, reports)
      expectAsSharp(reports)
    })
  }
})

describe('live', () => {
  for (const stream of ['live-ts', 'live-fmp4']) {
    it(`shares "${stream}" at the player's own latency`, async () => {
      const pairs = await addPairs(stream, 'together')
      const watching = pairs.map(({ ours }) => ours)
      const linked = await Promise.all(
        watching.map(viewer =>
          reportWhen(viewer, ({ snapshot }) => snapshot?.swarm?.peers.length === viewers - 1),
        ),
      )
      // What was begun before everybody was there may have come more than once.
      const begun = new Set(linked.flatMap(storiesOf).map(({ key }) => key))
      const since = (report: ViewerReport) =>
        storiesOf(report).filter(({ key, delivered }) => delivered && !begun.has(key))
      const slots = (report: ViewerReport) => new Set(since(report).map(({ seq }) => seq)).size
      await Promise.all(
        watching.map(viewer => reportWhen(viewer, report => slots(report) >= steadySlots, 90_000)),
      )
      const reports = await reportsOf(pairs)
      const ours = reports.map(({ ours }) => ours)
      expectSmoothBeside(reports)
      expect(await stage.expectTruth(ours)).toBeGreaterThan(viewers * steadySlots)
      const delivered = ours.flatMap(since)
      const group = sum(delivered.map(({ groupBytes }) => groupBytes))
      const edge = sum(delivered.map(({ edgeBytes }) => edgeBytes))
      const one = sum([...new Map(delivered.map(({ key, size }) => [key, size])).values()])
      const share = group / (group + edge)
      console.log(
        `${stream}: steady share ${share.toFixed(3)}, ${(edge / one).toFixed(3)} copies of ${slots(ours[0]!)} segments`,
      )
      // Only a rendition that several watch can be shared: with all on one, this is (n − 1)/n.
      const possible = 1 - one / sum(delivered.map(({ size }) => size))
      expect(share).toBeGreaterThanOrEqual(0.95 * possible)
      expect(possible).toBeGreaterThan(0.5)
      compare(`${stream} latency (s)`, latency, reports)
      compare(`${stream} startup (s)`, report => report.startMs / 1000, reports)
      expectAsSharp(reports)
    })
  }
})

const storiesOf = ({ snapshot }: ViewerReport) => snapshot?.swarm?.segments ?? []

const latency = ({ latencies }: ViewerReport) => median(latencies.slice(-100))

const height = ({ heights }: ViewerReport) => heights.at(-1) ?? 0

function expectAsSharp(reports: readonly PairReport[]): void {
  const [mine, theirs] = [reports.map(({ ours }) => height(ours)), reports.map(({ plain }) => height(plain))]
  console.log(`heights: ${mine}, plain ${theirs}`)
  expect(median(mine)).toBeGreaterThanOrEqual(median(theirs))
}

/** How far values lie from their median, in the mean. */
function spread(values: readonly number[]): number {
  const middle = median(values)
  return sum(values.map(value => Math.abs(value - middle))) / values.length
}

/** Median over the pairs; the tolerance is 0.3 s or twice the spread of either kind. */
function compare(
  name: string,
  figure: (report: ViewerReport) => number,
  reports: readonly PairReport[],
): void {
  const [mine, theirs] = [reports.map(({ ours }) => figure(ours)), reports.map(({ plain }) => figure(plain))]
  const tolerance = Math.max(0.3, 2 * spread(mine), 2 * spread(theirs))
  const later = median(mine.map((value, pair) => value - theirs[pair]!))
  const list = (values: readonly number[]) => values.map(value => value.toFixed(2)).join(' ')
  console.log(
    `${name}: ${list(mine)}, plain ${list(theirs)}; ${later.toFixed(2)} later, tolerance ${tolerance.toFixed(2)}`,
  )
  expect(later, name).toBeLessThanOrEqual(tolerance)
}
