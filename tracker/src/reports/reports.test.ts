import { describe, expect, it } from 'vitest'
import { reportOf } from './report-lab.ts'
import { createReports, type Whereabouts } from './reports.ts'

const at = (name: string, content = 'film', kind: 'site' | 'network' = 'site'): Whereabouts => ({
  place: { kind, name },
  content,
})
const MB = 1_000_000
const viewer = (joinedAt = 0) => ({ joinedAt, links: 2 })

describe('reports by place and content', () => {
  it('count one copy for a site where one fetches and the others are fed', () => {
    const reports = createReports()
    const fresh = [1, 2, 3, 4].map(hash => ({ hash, bytes: MB }))
    const common = { ageMs: 10_000, segments: 4, watched: 4 * MB, fresh }
    const office = at('office')
    reports.take(viewer(), office, reportOf({ ...common, edge: 4 * MB, uploaded: 8 * MB }), 10_000)
    reports.take(viewer(), office, reportOf({ ...common, group: 4 * MB }), 11_000)
    reports.take(viewer(), office, reportOf({ ...common, group: 4 * MB }), 12_000)
    const { rows, total } = reports.snapshot(20_000)
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ place: { kind: 'site', name: 'office' }, content: 'film', viewers: 3 })
    expect(rows[0]).toMatchObject({
      copies: 1,
      oneCopyBytes: 4 * MB,
      watchedBytes: 12 * MB,
      uploadedBytes: 8 * MB,
    })
    expect(rows[0]?.p2pShare).toBeCloseTo(2 / 3)
    expect(total).toMatchObject({ viewers: 3, copies: 1 })
  })

  it('count what comes from outside peers as crossing the line', () => {
    const reports = createReports()
    const fresh = [{ hash: 1, bytes: MB }]
    reports.take(
      viewer(),
      at('a'),
      reportOf({ segments: 1, watched: MB, edge: MB, outside: MB / 2, fresh }),
      5_000,
    )
    expect(reports.snapshot(6_000).rows[0]?.copies).toBe(1.5)
  })

  it('give each site its own copy: the total is the mean over what they watched', () => {
    const reports = createReports()
    const fresh = [{ hash: 1, bytes: MB }]
    for (const name of ['a', 'b'])
      reports.take(viewer(), at(name), reportOf({ segments: 1, watched: MB, edge: MB, fresh }), 5_000)
    const { total, rows } = reports.snapshot(6_000)
    expect(rows.map(({ copies }) => copies)).toEqual([1, 1])
    expect(total).toMatchObject({ copies: 1, oneCopyBytes: 2 * MB })
  })

  it('forget what left the window, and show who is still there', () => {
    const reports = createReports()
    const here = viewer()
    reports.take(here, at('a'), reportOf({ edge: MB, ageMs: 10_000 }), 10_000)
    const later = reports.snapshot(10_000 + 400_000, { windowMs: 300_000 })
    expect(later.rows[0]).toMatchObject({ viewers: 1, edgeBytes: 0, copies: null, p2pShare: null })
    expect(reports.snapshot(10_000 + 400_000, { windowMs: 3_600_000 }).rows[0]?.edgeBytes).toBe(MB)
    reports.leave(here)
    expect(reports.snapshot(10_000 + 400_000, { windowMs: 300_000 }).rows).toEqual([])
  })

  it('tell how viewers stand with peers: those there now, and how often it came to that', () => {
    const reports = createReports()
    const [one, two] = [viewer(), viewer()]
    const say = (who: object, peering: 'ok' | 'udp-blocked', now: number) =>
      reports.take(who as ReturnType<typeof viewer>, at('a'), reportOf({ peering, ageMs: now }), now)
    say(one, 'udp-blocked', 5_000)
    say(two, 'udp-blocked', 5_000)
    say(one, 'udp-blocked', 15_000)
    say(one, 'ok', 25_000)
    expect(reports.snapshot(30_000).rows[0]).toMatchObject({
      peering: { ok: 1, 'udp-blocked': 1 },
      came: { ok: 1, 'udp-blocked': 2 },
    })
  })

  it('take medians of the viewers there, and startup of those who started, each once', () => {
    const reports = createReports()
    for (const [i, startMs] of [400, 500, 600, 700, 4_000].entries()) {
      const who = viewer()
      const report = reportOf({ startMs, latencyMs: 6_000 + i, kbps: 1_500, ageMs: 5_000 })
      reports.take(who, at('a'), report, 5_000)
      reports.take(who, at('a'), { ...report, ageMs: 9_000 }, 9_000)
    }
    expect(reports.snapshot(10_000).rows[0]).toMatchObject({
      starts: 5,
      startP50Ms: 600,
      startP95Ms: 4_000,
      latencyMs: 6_002,
      kbps: 1_500,
      links: 2,
    })
  })

  it('count a headless peer as a node, whose bytes cross the line too', () => {
    const reports = createReports()
    reports.take(viewer(), at('a'), reportOf({ node: true, edge: MB, segments: 1, peering: 'alone' }), 5_000)
    expect(reports.snapshot(6_000).rows[0]).toMatchObject({
      viewers: 0,
      nodes: 1,
      edgeBytes: MB,
      oneCopyBytes: 0,
      copies: null,
      peering: {},
    })
  })

  it('follow a viewer whose network the operator names meanwhile', () => {
    const reports = createReports()
    const who = viewer()
    reports.take(who, at('3f9a2c', 'film', 'network'), reportOf({ ageMs: 5_000, edge: MB }), 5_000)
    reports.take(who, at('office'), reportOf({ ageMs: 15_000, edge: 3 * MB }), 15_000)
    const { rows, total } = reports.snapshot(20_000)
    expect(rows.map(({ place, viewers, edgeBytes }) => [place.name, viewers, edgeBytes])).toEqual([
      ['office', 1, 2 * MB],
      ['3f9a2c', 0, MB],
    ])
    expect(total.viewers).toBe(1)
  })

  it('show what was rejected, and add none of it', () => {
    const reports = createReports()
    reports.take(viewer(), at('a'), reportOf({ edge: 1e12 }), 5_000)
    expect(reports.snapshot(6_000).rows[0]).toMatchObject({ rejected: 1, edgeBytes: 0 })
    expect(reports.counts).toEqual({ taken: 0, rejected: 1, refused: 0 })
  })

  it('hold no more rows than allowed: the emptiest makes room, and nobody who is there is pushed out', () => {
    const reports = createReports({ rows: 3 })
    const past = viewer()
    reports.take(past, at('past'), reportOf({ edge: MB }), 5_000)
    reports.leave(past)
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      reports.take(viewer(), at(name), reportOf({ edge: MB, ageMs: 30_000 }), 30_000)
    const { rows, total } = reports.snapshot(35_000)
    expect(rows.map(({ place }) => place.name)).toEqual(['a', 'b', 'c', ''])
    expect(rows[3]).toMatchObject({ place: { kind: 'other' }, viewers: 2, edgeBytes: 2 * MB, copies: null })
    expect(total).toMatchObject({ viewers: 5, edgeBytes: 5 * MB })
  })

  it('draw the line, the copy and the presence slot by slot', () => {
    const reports = createReports()
    const who = viewer()
    const fresh = [{ hash: 1, bytes: MB }]
    reports.take(who, at('a'), reportOf({ ageMs: 10_000, segments: 1, watched: MB, edge: MB, fresh }), 20_000)
    reports.take(
      who,
      at('a'),
      reportOf({ ageMs: 20_000, segments: 2, watched: 2 * MB, edge: MB, group: MB }),
      29_000,
    )
    const { series } = reports.snapshot(65_000, { windowMs: 50_000 })
    // The five slots from 0 to 50 s: those from 50 s on may still be reported of.
    expect(series.line).toEqual([0, 0, MB / 10, 0, 0])
    expect(series.watched).toEqual([0, 0, (2 * MB) / 10, 0, 0])
    expect(series.oneCopy).toEqual([0, 0, MB / 10, 0, 0])
    expect(series.group).toEqual([0, 0, MB / 10, 0, 0])
    expect(series.viewers[1]).toBeCloseTo(1.1, 1)
    expect(series.viewers.reduce((sum, value) => sum + value, 0)).toBeCloseTo(2)
  })

  it('ask less often the more viewers there are', () => {
    const reports = createReports({ perSecond: 2 })
    expect(reports.everyMs()).toBe(10_000)
    for (let i = 0; i < 60; i++) reports.take(viewer(), at('a'), reportOf(), 5_000)
    expect(reports.everyMs()).toBe(30_000)
    for (let i = 0; i < 600; i++) reports.take(viewer(), at('a'), reportOf(), 5_000)
    expect(reports.everyMs()).toBe(60_000)
  })
})
