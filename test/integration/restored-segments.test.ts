import { createMemoryStore, type Store, type Swarm } from '@nearcast/peer-core'
import { afterEach, describe, expect, it } from 'vitest'
import { hasHeard, Lab, type LabSegment, makeSegments, until } from './swarm-lab.ts'

const size = 400_000
let lab: Lab

afterEach(() => lab.close())

function ask(swarm: Swarm, segment: LabSegment, deadlineMs = 2_000) {
  const signal = AbortSignal.timeout(8_000)
  return swarm.request('video', segment.source.key, { deadlineMs, urgency: 'play', signal })
}

/** A store as an earlier visit left it. */
async function filled(segments: readonly LabSegment[], bytesOf = (segment: LabSegment) => segment.bytes) {
  const store = createMemoryStore()
  for (const segment of segments) {
    const { url: _url, range: _range, hashesUrl: _hashes, ...entry } = segment.source
    await store.put({ track: 'video', entry }, bytesOf(segment))
  }
  return store
}

async function restart(segments: readonly LabSegment[], store: Store): Promise<[giver: Swarm, taker: Swarm]> {
  lab = new Lab(segments)
  const swarms = [lab.add({ store }), lab.add({ trace: true })] as const
  for (const swarm of swarms)
    swarm.setWindow(
      'video',
      false,
      segments.map(({ source }) => source),
    )
  await until(
    () => swarms[0].snapshot().segments.filter(({ state }) => state === 'held').length === segments.length,
  )
  await lab.connect(0, 1)
  await hasHeard(swarms[1], segments.length)
  return [...swarms]
}

describe('segments found in the store', () => {
  it('reach another viewer proven, with their block-hash lists, while the edge is gone', async () => {
    const segments = await makeSegments(3, size)
    const [, taker] = await restart(segments, await filled(segments))
    lab.isEdgeDown = true
    for (const segment of segments) {
      const delivery = await ask(taker, segment)
      expect(Buffer.compare(delivery.bytes, segment.bytes)).toBe(0)
      expect(delivery).toMatchObject({ edgeBytes: 0, groupBytes: size, verified: true })
    }
    expect(lab.log).toEqual([])
  })

  it('are not given when they no longer match the root: nobody is taken for a liar', async () => {
    const segments = await makeSegments(1, size)
    const store = await filled(segments, ({ bytes }) => bytes.map(byte => byte ^ 1))
    const [giver, taker] = await restart(segments, store)
    const delivery = await ask(taker, segments[0]!)
    expect(Buffer.compare(delivery.bytes, segments[0]!.bytes)).toBe(0)
    expect(delivery).toMatchObject({ groupBytes: 0, edgeBytes: size })
    expect(taker.snapshot().verification.banned).toBe(0)
    expect(giver.snapshot().peers).toHaveLength(1)
  })
})
