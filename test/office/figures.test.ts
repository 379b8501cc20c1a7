import type { AccessEntry } from '@nearcast/edge-fallback/server'
import { describe, expect, it } from 'vitest'
import { kinds, type LineCount } from './counter.ts'
import { figuresOf } from './figures.ts'
import type { Observation, SiteObservation } from './observation.ts'
import type { ViewerReport, Watched } from './pages/viewer.ts'

const segment = 1000

function viewer(over: Partial<ViewerReport> = {}): ViewerReport {
  return {
    startedAt: 0,
    now: 60_500,
    startMs: 500,
    stalls: [],
    seeks: [],
    watched: [],
    latenciesMs: [],
    heights: [],
    kbps: [],
    links: 0,
    bytes: null,
    lateMs: 0,
    errors: [],
    detail: null,
    ...over,
  }
}

const watched = (n: number, askedAt = n * 2000, bytes = segment): Watched => ({
  path: `/live/mid/${String(n).padStart(3, '0')}.ts`,
  askedAt,
  bytes,
  gotAt: bytes > 0 ? askedAt + 100 : 0,
})

function sent(path: string, bytes: number, status = 200): AccessEntry {
  return { at: 0, method: 'GET', path, range: '', status, bytes, client: '', ms: 1, end: 'complete' }
}

const nothing: LineCount = { down: way(0, 0), up: way(0, 0) }

function way(peerBytes: number, peerPackets: number) {
  const none = Object.fromEntries(kinds.map(kind => [kind, { bytes: 0, packets: 0 }])) as LineCount['down']
  return { ...none, peers: { bytes: peerBytes, packets: peerPackets } }
}

function observed(sites: readonly Partial<SiteObservation>[], steadyFrom = 10_000): Observation {
  return {
    scenario: 'test',
    adapter: 'hlsjs',
    steadyFrom,
    sites: sites.map(site => ({ viewers: [], log: [], line: nothing, steadyLine: nothing, ...site })),
  }
}

describe('figures of a run', () => {
  it('counts one copy when two viewers watch what the edge sent once', () => {
    const both = [viewer({ watched: [watched(6)] }), viewer({ watched: [watched(6)] })]
    const figures = figuresOf(observed([{ viewers: both, log: [sent(watched(6).path, segment)] }]))
    expect(figures).toMatchObject({ copiesSteady: 1, copiesWithJoins: 1, edgeBytes: segment })
  })

  it('counts what the edge sent twice, and the join that took it', () => {
    const both = [
      viewer({ watched: [watched(0), watched(6)] }),
      viewer({ watched: [watched(0), watched(6)] }),
    ]
    const log = [0, 0, 6].map(n => sent(watched(n).path, segment))
    const figures = figuresOf(observed([{ viewers: both, log }]))
    expect(figures).toMatchObject({ copiesSteady: 1, copiesWithJoins: 1.5, extraSegmentsPerJoin: 0.5 })
  })

  it('takes the earliest wish of a site for when a segment was first wanted', () => {
    const viewers = [viewer({ watched: [watched(1, 9_000)] }), viewer({ watched: [watched(1, 11_000)] })]
    const figures = figuresOf(observed([{ viewers, log: [sent(watched(1).path, segment)] }]))
    expect(figures.copiesSteady).toBeNull()
  })

  it('leaves a segment that nobody has yet out of the steady part, and in the whole', () => {
    const viewers = [viewer({ watched: [watched(6), watched(7, 14_000, 0)] })]
    const log = [sent(watched(6).path, segment), sent(watched(7).path, segment / 2)]
    expect(figuresOf(observed([{ viewers, log }]))).toMatchObject({ copiesSteady: 1, copiesWithJoins: 1.5 })
  })

  it('adds the payload of peers outside, without its headers', () => {
    const line: LineCount = { down: way(600 + 2 * 93, 2), up: way(0, 0) }
    const viewers = [viewer({ watched: [watched(6)] })]
    const log = [sent(watched(6).path, 400)]
    const figures = figuresOf(observed([{ viewers, log, line, steadyLine: line }]))
    expect(figures).toMatchObject({ copiesSteady: 1, outsideBytes: 600 })
  })

  it('believes the router, not the log, about answers that were left', () => {
    const line: LineCount = { ...nothing, down: { ...nothing.down, edge: { bytes: 1250, packets: 2 } } }
    const viewers = [viewer({ watched: [watched(6)] })]
    const { path } = watched(6)
    const log = [sent(path, segment), { ...sent(path, segment), end: 'left' as const }]
    expect(figuresOf(observed([{ viewers, log, line }]))).toMatchObject({
      copiesSteady: 1.25,
      edgeBytes: 1250,
    })
  })

  it('keeps sites apart, and names the worst', () => {
    const site = (copies: number) => ({
      viewers: [viewer({ watched: [watched(6)] })],
      log: Array.from({ length: copies }, () => sent(watched(6).path, segment)),
    })
    expect(figuresOf(observed([site(1), site(2)]))).toMatchObject({ copiesSteady: 1.5, copiesWorstSite: 2 })
  })

  it('keeps refusals and playlists out of the media', () => {
    const log = [sent(watched(6).path, 4, 503), sent('/live/mid/index.m3u8', 900)]
    const figures = figuresOf(observed([{ viewers: [viewer()], log }]))
    expect(figures).toMatchObject({ edgeBytes: 0, controlBytes: 900 })
  })

  it('counts stalled seconds a minute that was played', () => {
    const viewers = [viewer({ stalls: [{ at: 0, ms: 3000 }] }), viewer()]
    expect(figuresOf(observed([{ viewers }]))).toMatchObject({ stalls: 1, stallSecondsPerViewerMinute: 1.5 })
  })

  it('tells who never started', () => {
    const viewers = [viewer({ startMs: 0 }), viewer({ startMs: 700 })]
    expect(figuresOf(observed([{ viewers }]))).toMatchObject({ neverStarted: 1, startP50Ms: 700 })
  })

  it('tells seeks to what the site held from others', () => {
    const file = { path: '/mid/030.ts', askedAt: 1, bytes: segment, gotAt: 20 }
    const seeks = [
      { at: 30, to: 61, ms: 100 },
      { at: 40, to: 90, ms: 900 },
    ]
    const viewers = [viewer({ watched: [file] }), viewer({ seeks })]
    expect(figuresOf(observed([{ viewers }]))).toMatchObject({
      seekP50Ms: 100,
      seekHeldP50Ms: 100,
      seekHeldMaxMs: 100,
    })
  })

  it('is void when a timer of any page was more than 300 ms late', () => {
    const late = (lateMs: number) => figuresOf(observed([{ viewers: [viewer(), viewer({ lateMs })] }])).void
    expect([late(300), late(301)]).toEqual([false, true])
  })

  it('counts verdicts', () => {
    const detail = { verdict: 'ok' }
    const viewers = [viewer({ detail }), viewer({ detail }), viewer()]
    expect(figuresOf(observed([{ viewers }])).verdicts).toEqual({ ok: 2 })
  })
})
