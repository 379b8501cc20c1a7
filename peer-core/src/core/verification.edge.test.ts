import { describe, expect, it } from 'vitest'
import { blockBytes } from './messages.ts'
import { entryOf, Probe, peerNamed, root } from './testing/probe.ts'

const [one, three] = [peerNamed(1), peerNamed(3)]
const size = 200_000
const entry = entryOf(0, { root })

function pieces(probe: Probe, peer: string) {
  return probe.sentTo(peer).filter(message => message.type === 'piece')
}

describe('own bytes of the edge', () => {
  /** A fetcher whose bytes are all here, and no list. */
  function fetched(): Probe {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entry])
    probe.want(0, 0)
    probe.join(three)
    probe.bring(0, size, size, probe.fetches()[0]!.fetch)
    return probe
  }

  it('are played before their proof, and called unverified', () => {
    expect(fetched().last('deliver')).toMatchObject({ verified: false, edgeBytes: size })
  })

  it('are neither stored nor given before their proof', () => {
    const probe = fetched()
    expect(probe.all('store')).toEqual([])
    probe.hear(three, { type: 'request', n: 0, offset: 0, length: blockBytes })
    expect(pieces(probe, three)).toEqual([])
    probe.bringList(probe.all('fetchEdge').find(fetch => fetch.what === 'hashes')!.fetch)
    probe.judge()
    probe.judge()
    expect(probe.all('store')).toHaveLength(1)
    probe.hear(three, { type: 'request', n: 0, offset: 0, length: blockBytes })
    expect(pieces(probe, three)).toHaveLength(1)
  })

  it('that are wrong are fetched again; wrong twice, the player is told and nobody gets them', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entry])
    probe.want(0, 9000)
    probe.bringList(probe.all('fetchEdge').find(fetch => fetch.what === 'hashes')!.fetch)
    probe.judge()
    for (let round = 0; round < 2; round++) {
      const { fetch, from } = probe.fetches().at(-1)!
      probe.bring(from, size - from, size, fetch)
      probe.done(fetch)
      probe.judge({ blocks: [5] })
      if (round === 0) {
        expect(probe.all('fail')).toEqual([])
        probe.pass(400)
        expect(probe.fetches()).toHaveLength(2)
        expect(probe.fetches()[1]).toMatchObject({ from: 5 * blockBytes })
      }
    }
    expect(probe.all('fail')).toMatchObject([{ id: 1, reason: 'edge-mismatch' }])
    expect(probe.all('deliver')).toEqual([])
    probe.join(one)
    expect(probe.sentTo(one).filter(message => message.type === 'offer')).toEqual([])
    const fetches = probe.fetches().length
    probe.pass(3000)
    expect(probe.fetches()).toHaveLength(fetches)
  })

  it('with many wrong blocks get a second chance all the same', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entry])
    probe.want(0, 9000)
    probe.bringList(probe.all('fetchEdge').find(fetch => fetch.what === 'hashes')!.fetch)
    probe.judge()
    probe.bring(0, size, size, probe.fetches()[0]!.fetch)
    probe.judge({ blocks: [2, 3, 4, 5] })
    probe.pass(400)
    expect(probe.fetches()).toHaveLength(2)
    probe.bring(2 * blockBytes, size - 2 * blockBytes, size, probe.fetches()[1]!.fetch)
    probe.judge()
    expect(probe.last('deliver')).toMatchObject({ verified: true })
  })

  it('and a list that the edge gives wrong twice end the same way', () => {
    const probe = new Probe({ groupSize: 1 })
    probe.list([entry])
    probe.join(one)
    probe.offer(one, entry)
    probe.want(0, 60_000)
    probe.answer(one)
    for (let round = 0; round < 2; round++) {
      probe.pass(2000)
      probe.bringList(probe.all('fetchEdge').findLast(fetch => fetch.what === 'hashes')!.fetch)
      probe.judge({ list: true })
    }
    expect(probe.all('fail')).toMatchObject([{ reason: 'edge-mismatch' }])
  })
})

describe('a root that comes late', () => {
  it('makes what was given without it unproven again: nothing goes out until it is held against it', () => {
    const probe = new Probe({ groupSize: 1 })
    const bare = entryOf(0)
    probe.list([bare])
    probe.hold(bare)
    probe.join(one)
    expect(probe.sentTo(one).filter(({ type }) => type === 'offer')).toMatchObject([{ frontier: size }])
    probe.list([entry])
    expect(probe.sentTo(one).at(-1)).toMatchObject({ type: 'withdraw', n: 0, offset: 0 })
    probe.hear(one, { type: 'request', n: 0, offset: 0, length: blockBytes })
    expect(pieces(probe, one)).toEqual([])
    probe.bringList(probe.all('fetchEdge').find(fetch => fetch.what === 'hashes')!.fetch)
    probe.judge()
    probe.judge()
    const offers = probe.sentTo(one).filter(({ type }) => type === 'offer')
    expect(offers[1]).toMatchObject({ n: 1, root, frontier: size })
  })
})

describe('proof switched on', () => {
  it('takes nothing of what came while it was off for proven', () => {
    const probe = new Probe({ groupSize: 1, integrity: 'off' })
    probe.list([entry])
    probe.hold(entry)
    const policy = { mode: 'share', wan: 'allow', lineKbps: 0, uploadKbps: 0, groupSize: 1 } as const
    probe.put({ type: 'policy', policy: { ...policy, integrity: 'prefer' } })
    probe.join(one)
    expect(probe.sentTo(one).filter(({ type }) => type === 'offer')).toEqual([])
    expect(probe.core.inspect().heldBytes).toBe(0)
  })
})

describe('peers switched off', () => {
  it('leave no segment waiting for a proof that cannot come', () => {
    const probe = new Probe()
    probe.list([entry])
    probe.join(one)
    probe.offer(one, entry)
    probe.want(0, 9000)
    probe.answer(one)
    const policy = { wan: 'allow', integrity: 'prefer', lineKbps: 0, uploadKbps: 0, groupSize: 2 } as const
    probe.put({ type: 'policy', policy: { ...policy, mode: 'off' } })
    expect(probe.fetches()).toMatchObject([{ from: 0, to: 0, reason: 'unshared' }])
    probe.bring(0, size, size)
    expect(probe.last('deliver')).toMatchObject({ edgeBytes: size, groupBytes: 0 })
  })
})
