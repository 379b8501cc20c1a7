import type { TrackerMessage } from '@nearcast/peer-core/signalling'
import { describe, expect, it } from 'vitest'
import type { NodeMessage } from '../cluster/node-message.ts'
import { type Client, idOf } from './lab.ts'
import { createLabCluster, type LabCluster } from './lab-cluster.ts'

const ours = { want: 8 }

function pair(cluster: LabCluster, addresses: readonly [string, string], fields: object = { ours }) {
  const [one, two] = cluster.labs.map((lab, i) => lab.open(addresses[i] ?? '')) as [Client, Client]
  one.announce('ann', fields)
  cluster.settle()
  two.announce('bob', fields)
  cluster.settle()
  return { one, two }
}

const named = (messages: readonly TrackerMessage[]) =>
  messages.flatMap(message =>
    message.type === 'response'
      ? (message.extras?.neighbours ?? []).map(
          ({ peerId, level }) => `${peerId.replaceAll('.', '')} ${level}`,
        )
      : [],
  )
const types = (messages: readonly TrackerMessage[]) => messages.map(({ type }) => type)

describe('a peer whose neighbours are at another machine', () => {
  it('is named them, and each of its signals arrives there, candidates both ways', () => {
    const cluster = createLabCluster(2)
    const { one, two } = pair(cluster, ['198.51.100.7', '198.51.100.7'])
    one.heard()
    expect(named(two.heard())).toEqual(['ann address'])

    two.signal('bob', 'ann', { type: 'offer', offer: 'o1', sdp: 'v=0 "quoted"' })
    two.signal('bob', 'ann', { type: 'candidates', offer: 'o1', candidates: ['{"candidate":"c"}'] })
    cluster.settle()
    expect(one.heard()).toMatchObject([
      {
        type: 'offer',
        from: idOf('bob'),
        offerId: idOf('o1'),
        level: 'address',
        trickle: true,
        sdp: 'v=0 "quoted"',
      },
    ])
    one.signal('ann', 'bob', { type: 'answer', offer: 'o1' })
    cluster.settle()
    expect(two.heard()).toMatchObject([{ type: 'answer', from: idOf('ann'), offerId: idOf('o1') }])
  })

  it('hears an answer once, and none that it did not ask for', () => {
    const cluster = createLabCluster(2)
    const { one, two } = pair(cluster, ['198.51.100.7', '198.51.100.7'])
    one.signal('ann', 'bob', { type: 'answer', offer: 'o1' })
    cluster.settle()
    two.signal('bob', 'ann', { type: 'offer', offer: 'o1' })
    cluster.settle()
    two.heard()
    for (let i = 0; i < 3; i++) one.signal('ann', 'bob', { type: 'answer', offer: 'o1' })
    cluster.settle()
    expect(types(two.heard())).toEqual(['answer'])
    // Another node cannot make one up either.
    const forged: NodeMessage = {
      type: 'signal',
      infoHash: idOf('film'),
      from: idOf('ann'),
      to: idOf('bob'),
      offerId: idOf('o2'),
      signal: { type: 'answer', sdpJson: '"x"' },
    }
    const [, lab] = cluster.labs
    lab?.perform(lab.registry.cluster?.heard('node0', forged) ?? [])
    lab?.perform(lab.registry.cluster?.heard('stranger', forged) ?? [])
    expect(two.heard()).toEqual([])
    expect(lab?.registry.cluster?.facts().relays).toMatchObject({ unsolicited: 1, stranger: 1 })
  })

  it('is sent to nobody at another machine when all it may meet is here', () => {
    const cluster = createLabCluster(2)
    const rules = [{ policy: { wan: 'deny' as const } }]
    for (const { registry } of cluster.labs) registry.setRules(rules)
    const { one, two } = pair(cluster, ['198.51.100.7', '203.0.113.9'])
    expect(named([...one.heard(), ...two.heard()])).toEqual([])
    // The same rule lets those of one address meet.
    const third = cluster.labs[1]!.open('198.51.100.7')
    third.announce('cid', { ours })
    cluster.settle()
    expect(named(third.heard())).toEqual(['ann address'])
  })

  it('meets nobody where the operator switched peers off meanwhile', () => {
    const cluster = createLabCluster(2)
    const { one, two } = pair(cluster, ['198.51.100.7', '198.51.100.7'])
    one.heard()
    cluster.labs[0]!.registry.setRules([{ policy: { mode: 'off' } }])
    cluster.pass(1_000)
    one.heard()
    two.signal('bob', 'ann', { type: 'offer', offer: 'o1' })
    cluster.settle()
    expect(types(one.heard())).not.toContain('offer')
  })

  it('costs other machines no more when it announces without end', () => {
    const cluster = createLabCluster(2, { limits: { messageBurst: 1e6 } })
    const { two } = pair(cluster, ['198.51.100.7', '198.51.100.7'])
    cluster.carried()
    for (let i = 0; i < 500; i++) two.announce('bob', { ours })
    cluster.settle()
    expect(cluster.carried().filter(type => type === 'ask')).toEqual([])
  })
})

it('searches that wait for a directory that is away are forgotten after seconds, with their offers', () => {
  const cluster = createLabCluster(2, { limits: { messageBurst: 1e6 } })
  const [one] = cluster.labs
  if (!one) return expect.unreachable()
  // Nothing is settled: the directory is not asked.
  const alone = Array.from({ length: 50 }, (_, n) => {
    const client = one.open(`198.51.100.${n + 1}`)
    client.announce(`p${n}`, { swarm: `film ${n}`, offers: 5 })
    return client
  })
  one.pass(4_000)
  cluster.carried()
  cluster.labs[1]!.open('203.0.113.1').announce('other', { swarm: 'film 7' })
  cluster.settle()
  expect(cluster.carried().filter(type => type === 'ask')).toEqual([])
  alone[7]?.announce('p7', { swarm: 'film 7', offers: 5 })
  cluster.settle()
  expect(cluster.carried().filter(type => type === 'ask')).toHaveLength(1)
})

describe('a client that speaks only the protocol', () => {
  it('has its offers placed at another machine when nobody is here, each answered once', () => {
    const cluster = createLabCluster(2)
    const one = cluster.labs[0]!.open('198.51.100.7')
    one.announce('ann')
    cluster.settle()
    const two = cluster.labs[1]!.open('203.0.113.9')
    two.announce('bob', { offers: 5 })
    cluster.settle()
    const offers = one.heard().filter(({ type }) => type === 'offer')
    expect(offers).toMatchObject([{ type: 'offer', from: idOf('bob'), offerId: idOf('bob-0') }])
    two.heard()
    one.signal('ann', 'bob', { type: 'answer', offer: 'bob-0' })
    one.signal('ann', 'bob', { type: 'answer', offer: 'bob-0' })
    one.signal('ann', 'bob', { type: 'answer', offer: 'bob-1' })
    cluster.settle()
    expect(two.heard()).toMatchObject([{ type: 'answer', from: idOf('ann'), offerId: idOf('bob-0') }])
  })

  it('has what found nobody at one machine tried at the next', () => {
    const cluster = createLabCluster(3)
    for (const [i, name] of ['ann', 'cid'].entries()) {
      cluster.labs[i]!.open(`198.51.${i}.7`).announce(name)
      cluster.settle()
    }
    const three = cluster.labs[2]!.open('203.0.113.9')
    three.announce('bob', { offers: 5 })
    cluster.settle()
    const offered = cluster.labs.map(({ registry }) => registry.stats().offers.far)
    expect(offered).toEqual([1, 1, 0])
  })

  it('sends an offer abroad now and then although there are enough here, so that no part is cut off', () => {
    const cluster = createLabCluster(2)
    for (const [i, lab] of cluster.labs.entries()) {
      for (let n = 0; n < 40; n++) {
        lab.open(`198.51.${i}.${n + 1}`).announce(`p${i}-${n}`, { offers: 5 })
        cluster.settle()
      }
    }
    cluster.carried()
    const asked = () => cluster.carried().filter(type => type === 'ask').length
    for (let n = 0; n < 40; n++) cluster.labs[0]!.open(`203.0.113.${n + 1}`).announce(`q${n}`, { offers: 5 })
    cluster.settle()
    const bridges = asked()
    expect(bridges).toBeGreaterThan(2)
    expect(bridges).toBeLessThan(25)
  })
})

describe('counts', () => {
  const counts = (messages: readonly TrackerMessage[]) =>
    messages.flatMap(message => (message.type === 'response' && message.counts ? [message.counts] : []))
  const sizes = (messages: readonly TrackerMessage[]) =>
    messages.flatMap(message =>
      message.type === 'response' && message.extras?.group ? [message.extras.group] : [],
    )

  it('of a swarm and a group are those of all machines, and are pushed when another machine’s change', () => {
    const cluster = createLabCluster(2)
    const { one, two } = pair(cluster, ['198.51.100.7', '198.51.100.7'])
    cluster.pass(1_000)
    const [mine, theirs] = [sizes(one.heard()), sizes(two.heard())]
    expect(mine.at(-1)).toMatchObject({ size: 2, level: 'address' })
    expect(theirs.at(-1)).toMatchObject({ size: 2, level: 'address' })
    expect(mine.at(-1)?.label).toBe(theirs.at(-1)?.label)
    one.announce('ann', { ours })
    expect(counts(one.heard())).toMatchObject([{ complete: 2, incomplete: 0 }])
    one.say({ action: 'scrape', info_hash: idOf('film') })
    expect(one.heard()).toMatchObject([{ type: 'scrape', files: [{ complete: 2, incomplete: 0 }] }])
    two.close()
    cluster.pass(1_000)
    expect(sizes(one.heard()).at(-1)).toMatchObject({ size: 1 })
  })

  it('forget a machine that is gone', () => {
    const cluster = createLabCluster(2)
    const { one } = pair(cluster, ['198.51.100.7', '198.51.100.7'])
    cluster.pass(1_000)
    one.heard()
    cluster.labs[0]!.perform(cluster.labs[0]!.registry.cluster!.lost('node1'))
    cluster.labs[0]!.pass(1_000)
    expect(sizes(one.heard()).at(-1)).toMatchObject({ size: 1 })
  })

  it('leave no row behind when everybody has gone', () => {
    const cluster = createLabCluster(2)
    const { one, two } = pair(cluster, ['198.51.100.7', '2001:db8::7'])
    one.close()
    two.close()
    cluster.pass(70_000)
    for (const { registry } of cluster.labs)
      expect(registry.cluster?.facts()).toMatchObject({ rows: 0, guests: 0 })
  })
})

describe('a viewer that comes back at another machine', () => {
  it('is let go by the old one at once: same address', () => {
    const cluster = createLabCluster(2)
    const [one, two] = cluster.labs.map(lab => lab.open('198.51.100.7')) as [Client, Client]
    one.announce('ann', { ours })
    cluster.pass(5_000)
    two.announce('ann', { ours })
    cluster.settle()
    expect(cluster.labs.map(({ registry }) => registry.stats().peers)).toEqual([0, 1])
    expect(one.pings()).toBe(0)
  })

  it('is let go at once with its resume token, from wherever it comes', () => {
    const cluster = createLabCluster(2)
    const one = cluster.labs[0]!.open('198.51.100.7')
    one.announce('ann', { ours })
    const [response] = one.heard()
    if (response?.type !== 'response') return expect.unreachable()
    cluster.pass(5_000)
    cluster.labs[1]!.open('203.0.113.9').announce('ann', { ours, trackerId: response.trackerId })
    cluster.settle()
    expect(cluster.labs.map(({ registry }) => registry.stats().peers)).toEqual([0, 1])
  })

  it('stays where it is when a stranger takes its name: its socket is asked, and the stranger refused', () => {
    const cluster = createLabCluster(2)
    const one = cluster.labs[0]!.open('198.51.100.7')
    one.announce('ann', { ours })
    cluster.pass(5_000)
    const stranger = cluster.labs[1]!.open('203.0.113.9')
    stranger.announce('ann', { ours })
    cluster.settle()
    expect(one.pings()).toBe(1)
    one.pong()
    cluster.settle()
    expect(cluster.labs.map(({ registry }) => registry.stats().peers)).toEqual([1, 0])
    expect(types(stranger.heard())).toContain('failure')
  })

  it('has its place when the old socket does not answer', () => {
    const cluster = createLabCluster(2)
    const one = cluster.labs[0]!.open('198.51.100.7')
    one.announce('ann', { ours })
    cluster.pass(5_000)
    cluster.labs[1]!.open('203.0.113.9').announce('ann', { ours })
    cluster.pass(6_000)
    expect(cluster.labs.map(({ registry }) => registry.stats().peers)).toEqual([0, 1])
    expect(one.closed()).toBe(1001)
  })

  it('is at exactly one of two machines that it joined in the same moment', () => {
    for (const first of [0, 1]) {
      const cluster = createLabCluster(2)
      // Somebody is at both already, so that the claims are not held back.
      for (const [i, lab] of cluster.labs.entries()) lab.open(`203.0.${i}.9`).announce(`other${i}`, { ours })
      cluster.settle()
      const clients = cluster.labs.map(lab => lab.open('198.51.100.7'))
      clients[first]?.announce('ann', { ours })
      clients[1 - first]?.announce('ann', { ours })
      cluster.settle()
      const peers = cluster.labs.map(({ registry }) => registry.stats().peers)
      expect(peers.reduce((sum, n) => sum + n)).toBe(3)
    }
  })
})

describe('a viewer that announces at two machines', () => {
  it('counts where it announced last, and what it began through the other ends well', () => {
    const cluster = createLabCluster(2)
    const [one, two] = cluster.labs.map(lab => lab.open('198.51.100.7')) as [Client, Client]
    const other = cluster.labs[0]!.open('198.51.100.7')
    other.announce('bob', { ours })
    one.announce('ann', { ours })
    cluster.settle()
    one.signal('ann', 'bob', { type: 'offer', offer: 'o1' })
    cluster.pass(5_000)
    two.announce('ann', { ours })
    cluster.settle()
    const peers = () => cluster.labs.map(({ registry }) => registry.stats().peers)
    expect(peers()).toEqual([1, 1])
    one.heard()
    other.signal('bob', 'ann', { type: 'answer', offer: 'o1' })
    cluster.settle()
    expect(types(one.heard())).toEqual(['answer'])
    // Nobody is matched with it twice.
    const third = cluster.labs[0]!.open('198.51.100.7')
    third.announce('cid', { ours })
    cluster.settle()
    expect(named(third.heard()).sort()).toEqual(['ann address', 'bob address'])
    cluster.pass(5_000)
    one.announce('ann', { ours })
    cluster.settle()
    expect(peers()).toEqual([3, 0])
    one.close()
    two.close()
    cluster.settle()
    expect(peers()).toEqual([2, 0])
  })
})

it('a guest that joins here as well still gets the answers to what it began as a guest', () => {
  const cluster = createLabCluster(2)
  const { one, two } = pair(cluster, ['198.51.100.7', '198.51.100.7'])
  one.heard()
  two.signal('bob', 'ann', { type: 'offer', offer: 'o1' })
  cluster.settle()
  const again = cluster.labs[0]!.open('198.51.100.7')
  again.announce('bob', { ours })
  one.signal('ann', 'bob', { type: 'answer', offer: 'o1' })
  cluster.settle()
  expect(types([...two.heard(), ...again.heard()])).toContain('answer')
})

describe('a machine that is being emptied', () => {
  it('begins nothing new with others, lets what is under way end, and counts nobody who has come back elsewhere', () => {
    const cluster = createLabCluster(2)
    const { one, two } = pair(cluster, ['198.51.100.7', '198.51.100.7'])
    one.heard()
    cluster.labs[1]!.registry.cluster!.leave()
    cluster.labs[0]!.perform(cluster.labs[0]!.registry.cluster!.keep(node => node !== 'node1'))
    two.signal('bob', 'ann', { type: 'offer', offer: 'o1' })
    cluster.settle()
    one.signal('ann', 'bob', { type: 'answer', offer: 'o1' })
    cluster.settle()
    expect(types(two.heard())).toContain('answer')
    const back = cluster.labs[0]!.open('198.51.100.7')
    back.announce('bob', { ours })
    cluster.settle()
    expect(cluster.labs.map(({ registry }) => registry.stats().peers)).toEqual([2, 0])
  })
})

describe('a large group without affinity', () => {
  it('has a backbone at each machine, whose fetchers are all linked with each other', () => {
    const cluster = createLabCluster(2, { limits: { messageBurst: 1e6 } })
    const clients = new Map<string, Client>()
    const linked = new Map<string, Set<string>>()
    const roles = new Map<string, string>()
    const read = () => {
      for (const [name, client] of clients)
        for (const message of client.heard()) {
          if (message.type !== 'response') continue
          if (message.extras?.backbone) roles.set(name, message.extras.backbone.role)
          for (const { peerId } of message.extras?.neighbours ?? []) {
            const other = peerId.replaceAll('.', '')
            for (const [a, b] of [
              [name, other],
              [other, name],
            ] as const)
              linked.set(a, (linked.get(a) ?? new Set()).add(b))
          }
        }
    }
    for (let n = 0; n < 60; n++) {
      const name = `p${n}`
      const client = cluster.labs[n % 2]!.open('10.1.2.3')
      clients.set(name, client)
      client.announce(name, { ours })
      cluster.pass(500)
      read()
    }
    cluster.pass(3_000)
    for (let round = 0; round < 2; round++) {
      for (const [name, client] of clients) client.announce(name, { ours })
      cluster.pass(2_000)
      read()
    }
    const fetchers = [...roles].filter(([, role]) => role === 'fetcher').map(([name]) => name)
    expect(roles.size).toBe(60)
    // Six at each machine: together no more than one machine alone would have.
    expect(fetchers.length).toBe(12)
    const parities = fetchers.map(name => Number(name.slice(1)) % 2)
    expect(parities.filter(parity => parity === 0)).toHaveLength(6)
    for (const one of fetchers)
      for (const other of fetchers)
        if (one !== other) expect(linked.get(one)?.has(other), `${one} – ${other}`).toBe(true)
  })
})
