import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ViewerReport } from './pages/viewer.ts'
import { median, openStage, pause, type Stage, type Viewer } from './stage.ts'

/** Acceptance: three viewers, every kind of media, every byte as at the edge, one copy for the group. */

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.close())

const viewers = 3
/** What a group that takes one copy could reach at best, less a twentieth. */
const leastShare = (0.95 * (viewers - 1)) / viewers
/** Media bodies from the edge for each byte that somebody in the group watched; 1 is the floor. */
const mostCopies = 1.05

interface Totals {
  readonly edge: number
  readonly group: number
}

const totals = (reports: readonly ViewerReport[]): Totals => {
  let edge = 0
  let group = 0
  for (const { snapshot } of reports) {
    edge += snapshot?.swarm?.bytes.edge ?? 0
    group += snapshot?.swarm?.bytes.group ?? 0
  }
  return { edge, group }
}

/** Bytes of everything that at least one of them loaded: what one copy of it costs. */
function oneCopy(reports: readonly ViewerReport[]): number {
  const sizes = new Map<string, number>()
  for (const { loaded } of reports) {
    for (const { url, from, to, bytes } of loaded) sizes.set(`${url} ${from} ${to}`, bytes)
  }
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
}

async function expectTruth(reports: readonly ViewerReport[]): Promise<number> {
  let checked = 0
  for (const { loaded } of reports) {
    for (const { url, from, to, sha256 } of loaded) {
      // A live channel forgets what left its window long ago; what it still has must match.
      const truth = await stage.truth(url, from, to).catch(() => null)
      if (truth === null) continue
      expect(sha256, `${url} [${from}, ${to})`).toBe(truth)
      checked++
    }
  }
  return checked
}

function expectSmooth(report: ViewerReport): void {
  expect(report.stalls).toEqual([])
  expect(report.errors.filter(error => error.includes('fatal'))).toEqual([])
  expect(report.warnings).toEqual([])
  expect(report.startMs).toBeGreaterThan(0)
}

async function watch(
  stream: string,
  count: number,
  setup: Parameters<Viewer['start']>[0] = {},
  joined = false,
): Promise<Viewer[]> {
  const watching: Viewer[] = []
  for (let index = 0; index < count; index++) {
    const viewer = await stage.viewer()
    await viewer.start({ url: stage.url(stream), peersFirst: joined ? index : 0, ...setup })
    watching.push(viewer)
    await pause(700)
  }
  return watching
}

describe('recordings', () => {
  for (const stream of ['ts', 'fmp4', 'aes', 'byterange', 'discontinuity', 'query-7', 'query-8']) {
    it(`shares "${stream}" byte for byte`, async () => {
      const watching = await watch(stream, viewers, {}, true)
      await pause(7000)
      const reports = await Promise.all(watching.map(viewer => viewer.report()))
      await Promise.all(watching.map(viewer => viewer.close()))
      for (const report of reports) expectSmooth(report)
      expect(await expectTruth(reports)).toBeGreaterThan(20)
      const { edge, group } = totals(reports)
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
})

describe('live', () => {
  for (const stream of ['live-ts', 'live-fmp4']) {
    it(`shares "${stream}" at the player's own latency`, async () => {
      const plain = await watch(stream, viewers, { nearcast: null })
      const watching = await watch(stream, viewers)
      await pause(6000)
      const before = totals(await Promise.all(watching.map(viewer => viewer.report())))
      await pause(16_000)
      const reports = await Promise.all(watching.map(viewer => viewer.report()))
      const plainReports = await Promise.all(plain.map(viewer => viewer.report()))
      await Promise.all([...watching, ...plain].map(viewer => viewer.close()))
      for (const report of reports) expectSmooth(report)
      expect(await expectTruth(reports)).toBeGreaterThan(20)
      const after = totals(reports)
      const share = (after.group - before.group) / (after.group - before.group + after.edge - before.edge)
      console.log(`${stream}: steady share ${share.toFixed(3)}`)
      expect(share).toBeGreaterThanOrEqual(leastShare)
      compare('latency (s)', latency, reports, plainReports)
      compare('startup (s)', report => report.startMs / 1000, reports, plainReports)
      expect(Math.max(...reports.flatMap(({ heights }) => heights.at(-1) ?? 0))).toBeGreaterThanOrEqual(
        median(plainReports.map(({ heights }) => heights.at(-1) ?? 0)),
      )
    })
  }
})

const latency = ({ latencies }: ViewerReport) => median(latencies.slice(-100))

/** Paired medians; the tolerance is 0.3 s or twice the plain viewers' own spread. */
function compare(
  name: string,
  figure: (report: ViewerReport) => number,
  ours: readonly ViewerReport[],
  plain: readonly ViewerReport[],
): void {
  const plainFigures = plain.map(figure)
  const tolerance = Math.max(0.3, 2 * (Math.max(...plainFigures) - Math.min(...plainFigures)))
  const [mine, theirs] = [median(ours.map(figure)), median(plainFigures)]
  console.log(`${name}: ${mine.toFixed(2)}, plain ${theirs.toFixed(2)}, tolerance ${tolerance.toFixed(2)}`)
  expect(mine, name).toBeLessThanOrEqual(theirs + tolerance)
}
