import type { SegmentSnapshot, Swarm } from '@nearcast/peer-core'
import { afterEach, describe, expect, it } from 'vitest'
import { hasHeard, Lab, type LabSegment, makeSegments, until } from './swarm-lab.ts'

const size = 400_000
let lab: Lab

afterEach(() => lab.close())

function ask(swarm: Swarm, segment: LabSegment) {
  const signal = new AbortController().signal
  return swarm.request('video', segment.source.key, { deadlineMs: 4_000, urgency: 'play', signal })
}

function story(swarm: Swarm): SegmentSnapshot | undefined {
  return swarm.snapshot().segments[0]
}

describe('what a snapshot tells of a segment', () => {
  it('shows it while it arrives, and held and verified when it is whole', async () => {
    const segments = await makeSegments(1, size)
    lab = new Lab(segments, { edgeChunk: 40_000 })
    const swarm = lab.add()
    swarm.setWindow('video', false, [segments[0]!.source])
    const delivery = ask(swarm, segments[0]!)
    await until(() => (story(swarm)?.edgeBytes ?? 0) > 100_000)
    expect(story(swarm)).toMatchObject({ state: 'arriving', delivered: false, groupBytes: 0 })
    expect(story(swarm)?.edgeBytes).toBeLessThan(size)
    await delivery
    await until(() => story(swarm)?.state === 'held')
    expect(story(swarm)).toMatchObject({ edgeBytes: size, groupBytes: 0, verified: true, delivered: true })
  })

  it('tells what came from the group', async () => {
    const segments = await makeSegments(1, size)
    lab = new Lab(segments)
    const [giver, taker] = [lab.add(), lab.add({ trace: true })]
    for (const swarm of [giver, taker]) swarm.setWindow('video', false, [segments[0]!.source])
    await ask(giver, segments[0]!)
    await lab.connect(0, 1)
    await hasHeard(taker, 1)
    await ask(taker, segments[0]!)
    expect(story(taker)).toMatchObject({
      state: 'held',
      edgeBytes: 0,
      groupBytes: size,
      verified: true,
      delivered: true,
    })
  })
})
