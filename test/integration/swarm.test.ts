import { createMemoryStore, replayTrace, type Swarm } from '@nearcast/peer-core'
import { afterEach, describe, expect, it } from 'vitest'
import { hasHeard, Lab, type LabSegment, makeSegments, play, tamperPieces } from './swarm-lab.ts'

const size = 400_000
let lab: Lab

afterEach(() => lab.close())

async function ask(swarm: Swarm, segment: LabSegment, deadlineMs = 4000, urgency: 'start' | 'play' = 'play') {
  const signal = new AbortController().signal
  const delivery = await swarm.request('video', segment.source.key, { deadlineMs, urgency, signal })
  expect(Buffer.compare(delivery.bytes, segment.bytes)).toBe(0)
  return delivery
}

function list(swarm: Swarm, segments: readonly LabSegment[]): void {
  swarm.setWindow(
    'video',
    false,
    segments.map(segment => segment.source),
  )
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('swarms together', () => {
  it('gives the second viewer from the first what the first holds, proven', async () => {
    const segments = await makeSegments(3, size)
    lab = new Lab(segments)
    const [a, b] = [lab.add(), lab.add({ trace: true })]
    for (const swarm of [a, b]) list(swarm, segments)
    await ask(a, segments[0]!, 0, 'start')
    await ask(a, segments[1]!)
    await lab.connect(0, 1)
    await hasHeard(b, 2)
    const before = lab.edgeBytes()
    for (const segment of segments.slice(0, 2)) {
      const delivery = await ask(b, segment, 2000)
      expect(delivery).toMatchObject({ edgeBytes: 0, groupBytes: size, verified: true, origin: 'held' })
    }
    expect(lab.edgeBytes()).toBe(before)
    const { control, group } = b.snapshot().bytes
    expect(control).toBeGreaterThan(500)
    expect(control).toBeLessThan(group / 20)
  })

  it('takes one copy from the edge when several ask for the same segment at once', async () => {
    const segments = await makeSegments(6, size)
    lab = new Lab(segments, { edgeChunk: 16_384 })
    const swarms = [lab.add(), lab.add(), lab.add()]
    await Promise.all([lab.connect(0, 1), lab.connect(0, 2), lab.connect(1, 2)])
    for (const swarm of swarms) {
      list(swarm, segments)
      play(swarm, 0, 0, 4000)
    }
    await pause(2200)
    const deliveries = []
    for (const [index, segment] of segments.slice(2).entries()) {
      for (const swarm of swarms) play(swarm, 0, 2000 * index, 4000)
      deliveries.push(...(await Promise.all(swarms.map(swarm => ask(swarm, segment)))))
    }
    const copies = lab.edgeBytes() / segments.reduce((sum, segment) => sum + segment.bytes.length, 0)
    expect(copies).toBeLessThan(1.1)
    expect(deliveries.every(delivery => delivery.verified || delivery.origin === 'edge')).toBe(true)
    const lists = lab.log.filter(entry => entry.url.endsWith('.hashes'))
    expect(lists.length).toBeLessThanOrEqual(segments.length + 1)
  })

  it('bans the peer that flips bits and plays the truth', async () => {
    const segments = await makeSegments(2, size)
    lab = new Lab(segments)
    const [liar, victim] = [lab.add(), lab.add({ trace: true })]
    for (const swarm of [liar, victim]) list(swarm, segments)
    await ask(liar, segments[0]!)
    await lab.connect(0, 1, link =>
      tamperPieces(link, payload => {
        const changed = payload.slice()
        for (let at = 100; at < changed.length; at += 16_384) changed[at]! ^= 1
        return changed
      }),
    )
    await hasHeard(victim, 1)
    const banned: string[] = []
    victim.on('peer', event => {
      if (event.state === 'banned') banned.push(event.id)
    })
    const delivery = await ask(victim, segments[0]!, 3000)
    expect(banned).toEqual([liar.snapshot().self])
    expect(delivery.groupBytes).toBe(0)
    expect(victim.snapshot().peers).toHaveLength(0)
  })

  it('keeps what it knows of a segment when its playlist is read again without digests', async () => {
    const segments = await makeSegments(2, size)
    lab = new Lab(segments)
    const [a, b] = [lab.add(), lab.add()]
    for (const swarm of [a, b]) list(swarm, segments)
    for (const segment of segments) await ask(a, segment, 0, 'start')
    const bare = segments.map(({ source }) => ({ ...source, size: 0, root: '', hashesUrl: '' }))
    b.setWindow('video', false, bare)
    await lab.connect(0, 1)
    await pause(50)
    for (const segment of segments)
      expect(await ask(b, segment, 2000)).toMatchObject({ edgeBytes: 0, groupBytes: size, verified: true })
    expect(b.snapshot().verification.banned).toBe(0)
  })

  it('takes a segment anew when its playlist gives it another root', async () => {
    const [older] = await makeSegments(1, size)
    const newer = (await makeSegments(2, size))[1]!
    const again = { ...newer, source: { ...newer.source, key: older!.source.key } }
    lab = new Lab([older!, newer])
    const store = createMemoryStore()
    const swarm = lab.add({ store, policy: { groupSize: 1 } })
    list(swarm, [older!])
    await ask(swarm, older!, 0, 'start')
    await pause(50)
    expect(await store.list()).toHaveLength(1)
    list(swarm, [again])
    await pause(50)
    expect(await store.list()).toEqual([])
    await ask(swarm, again, 0, 'start')
    await pause(50)
    expect(await ask(swarm, again)).toMatchObject({ verified: true })
    expect(swarm.snapshot().verification.banned).toBe(0)
  })

  it('replaces a peer that accepts and sends nothing, before the deadline', async () => {
    const segments = await makeSegments(2, size)
    lab = new Lab(segments)
    const [silent, victim] = [lab.add(), lab.add({ trace: true })]
    for (const swarm of [silent, victim]) list(swarm, segments)
    await ask(silent, segments[0]!)
    await lab.connect(0, 1, link => tamperPieces(link, () => null))
    await hasHeard(victim, 1)
    // The deadline is kept by the clock that the swarm itself looks at: its trace tells both moments.
    await ask(victim, segments[0]!, 3000)
    const lines = victim.trace().split('\n')
    const at = (type: string) => {
      const line = lines.findLast(text => text.startsWith('{"t":') && text.includes(`"i":{"type":"${type}"`))
      return JSON.parse(line!).t as number
    }
    expect(at('edgeDone') - at('want')).toBeLessThan(3000)
  })

  it('replays from its trace to the same outputs', async () => {
    const segments = await makeSegments(4, size)
    lab = new Lab(segments, { edgeChunk: 16_384 })
    const swarms = [lab.add({ trace: true }), lab.add({ trace: true })]
    await lab.connect(0, 1)
    for (const swarm of swarms) {
      list(swarm, segments)
      play(swarm, 0, 0, 4000)
    }
    for (const segment of segments) await Promise.all(swarms.map(swarm => ask(swarm, segment, 2000)))
    for (const swarm of swarms) {
      const result = replayTrace(swarm.trace())
      expect(result).toMatchObject({ ok: true })
      expect((result as { outputs: number }).outputs).toBeGreaterThan(100)
    }
  })

  it('joins bytes without digests only under one strong validator', async () => {
    const segments = await makeSegments(3, size, false)
    lab = new Lab(segments, { edgeChunk: 32_768 })
    const swarms = [lab.add(), lab.add()]
    for (const swarm of swarms) list(swarm, segments)
    await lab.connect(0, 1)
    await ask(swarms[0]!, segments[0]!)
    const delivery = await ask(swarms[1]!, segments[0]!, 3000)
    expect(delivery).toMatchObject({ groupBytes: size, verified: false })
  })

  it('under integrity "required" takes segments without digests from the edge alone', async () => {
    const segments = await makeSegments(1, size, false)
    lab = new Lab(segments)
    const swarms = [
      lab.add({ policy: { integrity: 'required' } }),
      lab.add({ policy: { integrity: 'required' } }),
    ]
    for (const swarm of swarms) list(swarm, segments)
    await lab.connect(0, 1)
    await ask(swarms[0]!, segments[0]!)
    const delivery = await ask(swarms[1]!, segments[0]!, 3000)
    expect(delivery).toMatchObject({ edgeBytes: size, groupBytes: 0 })
  })
})

describe('a swarm in which something breaks', () => {
  it('rejects the request that broke it, and throws nothing at the player', async () => {
    const segments = await makeSegments(1, size)
    lab = new Lab(segments)
    const edge = {
      fetch: () => {
        throw new Error('an edge that breaks its contract')
      },
    }
    const swarm = lab.add({ edge, policy: { groupSize: 1 } })
    list(swarm, segments)
    const signal = new AbortController().signal
    const asked = swarm.request('video', segments[0]!.source.key, { deadlineMs: 0, urgency: 'start', signal })
    await expect(asked).rejects.toMatchObject({ reason: 'internal' })
  })

  it('goes on when a listener of the page throws, which is reported as uncaught', async () => {
    const segments = await makeSegments(1, size)
    lab = new Lab(segments)
    const swarm = lab.add({ policy: { groupSize: 1 } })
    const heard: string[] = []
    const uncaught: unknown[] = []
    const earlier = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', error => uncaught.push(error.message))
    try {
      swarm.on('edge', () => {
        throw new Error('of the page')
      })
      swarm.on('edge', ({ state }) => heard.push(state))
      list(swarm, segments)
      await ask(swarm, segments[0]!, 0, 'start')
      await pause(10)
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of earlier) process.on('uncaughtException', listener)
    }
    expect(heard).toContain('done')
    expect(new Set(uncaught)).toEqual(new Set(['of the page']))
  })
})
