import type { SegmentSnapshot, SwarmSnapshot } from '@nearcast/peer-core'
import type { NearcastSnapshot } from '@nearcast/player-plugin'
import { describe, expect, it } from 'vitest'
import { createObserver, trackLabel } from './observer.ts'

const peer = {
  id: 'f'.repeat(36).concat('beef'),
  place: 'group',
  mode: 'share',
  rttMs: 1.2,
  route: null,
  connectedAt: 0,
} as const

function segment(part: Partial<SegmentSnapshot>): SegmentSnapshot {
  return {
    key: 'k',
    track: '/high/index.m3u8',
    seq: 1,
    startMs: 2000,
    durationMs: 2000,
    size: 1000,
    edgeBytes: 0,
    groupBytes: 0,
    outsideBytes: 0,
    state: 'held',
    verified: true,
    delivered: true,
    ...part,
  }
}

function snapshot(part: { swarm?: Partial<SwarmSnapshot> | null; plainBytes?: number }): NearcastSnapshot {
  const bytes = {
    edge: 0,
    group: 0,
    outside: 0,
    uploaded: 0,
    duplicate: 0,
    digests: 0,
    control: 0,
    delivered: 0,
  }
  const swarm =
    part.swarm === null ? null : { bytes, peers: [], segments: [], edgeFetches: [], ...part.swarm }
  const plain = part.plainBytes ? { 'mode-off': { fragments: 1, bytes: part.plainBytes, why: '' } } : {}
  return { swarm, plain } as unknown as NearcastSnapshot
}

describe('the observer', () => {
  it('gives rates over the last seconds, from the peer and to it', () => {
    const observer = createObserver()
    observer.observe(0, snapshot({ swarm: { peers: [{ ...peer, receivedBytes: 0, sentBytes: 500 }] } }))
    const view = observer.observe(
      2_000,
      snapshot({ swarm: { peers: [{ ...peer, receivedBytes: 8_000, sentBytes: 1_500 }] } }),
    )
    expect(view.peers[0]).toMatchObject({ label: 'beef', inBps: 4_000, outBps: 500 })
  })

  it('forgets what came longer ago than its window', () => {
    const observer = createObserver()
    for (const [at, received] of [
      [0, 0],
      [1_000, 9_000],
      [6_000, 9_000],
      [7_000, 9_000],
    ] as const) {
      observer.observe(
        at,
        snapshot({ swarm: { peers: [{ ...peer, receivedBytes: received, sentBytes: 0 }] } }),
      )
    }
    const view = observer.observe(
      8_000,
      snapshot({ swarm: { peers: [{ ...peer, receivedBytes: 9_000, sentBytes: 0 }] } }),
    )
    expect(view.peers[0]?.inBps).toBe(0)
  })

  it('counts what the player loads by itself as from the edge', () => {
    const view = createObserver().observe(0, snapshot({ swarm: null, plainBytes: 700 }))
    expect(view).toMatchObject({ taken: { edge: 700 }, peerShare: 0, rows: [] })
  })

  it('splits a segment among its sources, and tells a lease from a fetch for oneself', () => {
    const lease = {
      key: 'a',
      what: 'media',
      from: 0,
      to: 0,
      reason: 'lease',
      bytes: 250,
      at: 0,
      state: 'done',
    } as const
    const view = createObserver().observe(
      0,
      snapshot({
        swarm: {
          segments: [
            segment({ key: 'a', edgeBytes: 250, groupBytes: 750 }),
            segment({ key: 'b', seq: 2, startMs: 4000, edgeBytes: 1000 }),
          ],
          edgeFetches: [lease, { ...lease, key: 'b', reason: 'start' }],
        },
      }),
    )
    expect(view.rows[0]?.cells.map(cell => cell.parts)).toEqual([
      [
        { source: 'lease', share: 0.25 },
        { source: 'group', share: 0.75 },
      ],
      [{ source: 'edge', share: 1 }],
    ])
  })

  it('never fills a bar beyond its end when bytes came twice', () => {
    const view = createObserver().observe(
      0,
      snapshot({ swarm: { segments: [segment({ edgeBytes: 900, groupBytes: 900 })] } }),
    )
    const total = view.rows[0]?.cells[0]?.parts.reduce((sum, part) => sum + part.share, 0)
    expect(total).toBeCloseTo(1)
  })

  it('counts as verified what was proven, once it is whole', () => {
    const segments = [
      segment({ key: 'a', size: 300 }),
      segment({ key: 'b', size: 100, verified: false }),
      segment({ key: 'c', size: 500, verified: false, state: 'arriving' }),
    ]
    expect(createObserver().observe(0, snapshot({ swarm: { segments } })).verifiedShare).toBe(0.75)
    expect(createObserver().observe(0, snapshot({ swarm: null })).verifiedShare).toBeNull()
  })

  it('leaves init segments off the time line', () => {
    const view = createObserver().observe(0, snapshot({ swarm: { segments: [segment({ seq: -1 })] } }))
    expect(view.rows).toEqual([])
  })

  it('names a track by what tells it apart', () => {
    expect(trackLabel('/media/ts/high/index.m3u8')).toBe('high')
    expect(trackLabel('/media/byterange/audio.m3u8')).toBe('audio')
    expect(trackLabel('/media/query/watch.m3u8?id=7')).toBe('watch')
  })
})
