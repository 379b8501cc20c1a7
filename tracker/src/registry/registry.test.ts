import { describe, expect, test } from 'vitest'
import { readSites } from '../sites/read-sites.ts'
import { type Client, createLab, idOf } from './lab.ts'

const sites = (csv: string) => {
  const read = readSites(csv)
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.table
}

/** The peers that a response named, by the start of their ids. */
const named = (client: Client) =>
  client
    .heard()
    .flatMap(message => (message.type === 'response' ? (message.extras?.neighbours ?? []) : []))
    .map(({ peerId, level }) => `${peerId.replaceAll('.', '')}:${level}`)
    .sort()

describe('a standard client', () => {
  test('announces, and gets counts, an interval and a tracker id', () => {
    const lab = createLab()
    const a = lab.open('192.0.2.1')
    a.announce('a', { event: 'started', complete: false })
    const [response] = a.raw()
    expect(response).toMatchObject({
      action: 'announce',
      info_hash: idOf('film'),
      complete: 0,
      incomplete: 1,
    })
    expect(response?.['interval']).toBeGreaterThan(0)
    expect(response?.['tracker id']).toBeTypeOf('string')
    expect(response).not.toHaveProperty('nearcast')
  })

  test('has its offer relayed, and the answer back, once', () => {
    const lab = createLab()
    const a = lab.open('192.0.2.1')
    const b = lab.open('198.51.100.1')
    b.announce('b')
    b.heard()
    a.announce('a', { offers: 5 })
    expect(b.raw()).toEqual([
      {
        action: 'announce',
        info_hash: idOf('film'),
        peer_id: idOf('a'),
        offer: { type: 'offer', sdp: 'sdp of a' },
        offer_id: idOf('a-0'),
      },
    ])
    a.heard()
    b.signal('b', 'a', { type: 'answer', offer: 'a-0' })
    expect(a.raw()).toEqual([
      {
        action: 'announce',
        info_hash: idOf('film'),
        peer_id: idOf('b'),
        answer: { type: 'answer', sdp: 'answer of b' },
        offer_id: idOf('a-0'),
      },
    ])
    b.signal('b', 'a', { type: 'answer', offer: 'a-0' })
    expect(a.raw()).toEqual([])
    expect(lab.registry.stats().refused.unsolicited).toBe(1)
  })

  test('numwant bounds what its offers reach', () => {
    const lab = createLab()
    const others = Array.from({ length: 6 }, (_, i) => lab.open(`198.51.100.${i + 1}`))
    for (const [i, client] of others.entries()) client.announce(`b${i}`)
    for (const client of others) client.heard()
    lab.open('192.0.2.1').announce('a', { offers: 5, numwant: 2 })
    expect(others.flatMap(client => client.raw())).toHaveLength(2)
  })

  test('is not given the same partner again at the next announce, but again when nobody answered', () => {
    const lab = createLab()
    const [a, b] = [lab.open('192.0.2.1'), lab.open('192.0.2.1')]
    b.announce('b')
    b.heard()
    a.announce('a', { offers: 1 })
    a.announce('a', { offers: 1 })
    expect(b.raw()).toHaveLength(1)
    b.announce('b', { offers: 1 })
    expect(a.heard().filter(message => message.type === 'offer')).toEqual([])
    lab.pass(61_000)
    a.announce('a', { offers: 1 })
    expect(b.heard().filter(message => message.type === 'offer')).toHaveLength(1)
    b.signal('b', 'a', { type: 'answer', offer: 'a-0' })
    lab.pass(300_000)
    a.announce('a', { offers: 1 })
    expect(b.heard().filter(message => message.type === 'offer')).toEqual([])
    lab.pass(301_000)
    a.announce('a', { offers: 1 })
    expect(b.heard().filter(message => message.type === 'offer')).toHaveLength(1)
  })

  test('left, completed and stopped count as they should', () => {
    const lab = createLab()
    const a = lab.open('192.0.2.1')
    a.announce('a', { complete: false, event: 'started' })
    a.announce('a', { complete: true, event: 'completed' })
    expect(a.raw().at(-1)).toMatchObject({ complete: 1, incomplete: 0 })
    a.say({ action: 'scrape', info_hash: idOf('film') })
    expect(a.raw()[0]).toMatchObject({
      action: 'scrape',
      files: { [idOf('film')]: { complete: 1, incomplete: 0, downloaded: 1 } },
    })
    a.announce('a', { event: 'stopped' })
    expect(a.raw()[0]).toMatchObject({ action: 'announce', complete: 0, incomplete: 0 })
    expect(lab.registry.stats()).toMatchObject({ swarms: 0, peers: 0 })
  })

  test('scrapes several swarms, unknown ones as empty, but never all', () => {
    const lab = createLab()
    const a = lab.open('192.0.2.1')
    a.announce('a')
    a.raw()
    a.say({ action: 'scrape', info_hash: [idOf('film'), idOf('other')] })
    expect(a.raw()[0]).toMatchObject({
      files: { [idOf('film')]: { complete: 1 }, [idOf('other')]: { complete: 0 } },
    })
    a.say({ action: 'scrape' })
    expect(a.raw()[0]).toMatchObject({ action: 'scrape', 'failure reason': expect.any(String) })
    expect(a.closed()).toBeNull()
  })

  test('shares one socket among swarms, each under its own peer_id, and leaves none behind', () => {
    const lab = createLab()
    const a = lab.open('192.0.2.1')
    a.announce('a1', { swarm: 'one' })
    a.announce('a2', { swarm: 'two' })
    expect(lab.registry.stats()).toMatchObject({ swarms: 2, peers: 2 })
    a.close()
    expect(lab.registry.stats()).toMatchObject({ swarms: 0, peers: 0, connections: 0 })
  })

  test('two players of one page share a socket and still meet; nobody meets itself', () => {
    const lab = createLab()
    const a = lab.open('192.0.2.1')
    a.announce('a1')
    a.announce('a2', { offers: 5 })
    expect(a.heard().filter(message => message.type === 'offer')).toMatchObject([{ from: idOf('a2') }])
    a.signal('a2', 'a1', { type: 'answer', offer: 'a2-0' })
    expect(a.heard()).toEqual([])
    a.signal('a1', 'a2', { type: 'answer', offer: 'a2-0' })
    expect(a.heard()).toMatchObject([{ type: 'answer', from: idOf('a1') }])
  })

  test('comes sooner while it lacks partners that exist, and rarely when it has enough', () => {
    const lab = createLab()
    const [a, b] = [lab.open('192.0.2.1'), lab.open('198.51.100.1')]
    const interval = (client: Client) => Number(client.raw()[0]?.['interval'])
    a.announce('a')
    expect(interval(a)).toBeGreaterThan(90)
    b.announce('b')
    expect(interval(b)).toBeLessThanOrEqual(30)
    a.announce('a', { ours: { have: 9, want: 0 } })
    expect(interval(a)).toBeGreaterThanOrEqual(300)
  })
})

describe('matching', () => {
  test('most offers go to the same address, at least one outside, and the swarm stays in one piece', () => {
    const lab = createLab()
    const places = 25
    const size = 1_000
    const clients: Client[] = []
    const parent = Array.from({ length: size }, (_, i) => i)
    const root = (i: number): number => {
      const up = parent[i] ?? i
      if (up === i) return i
      parent[i] = root(up)
      return parent[i] ?? i
    }
    let near = 0
    let all = 0
    for (const round of [0, 1]) {
      for (let i = 0; i < size; i++) {
        if (round === 0) clients.push(lab.open(`10.${i % places}.0.1`))
        clients[i]?.announce(`p${i}`, { offers: 5 })
        lab.pass(30)
      }
      clients.forEach((client, i) => {
        for (const message of client.heard()) {
          if (message.type !== 'offer') continue
          const from = Number(message.from.replaceAll('.', '').slice(1))
          parent[root(from)] = root(i)
          if (round === 0) continue
          all++
          if (from % places === i % places) near++
        }
      })
    }
    expect(near / all).toBeGreaterThanOrEqual(0.75)
    expect(new Set(clients.map((_, i) => root(i))).size).toBe(1)
  })

  test('finds the only one elsewhere among hundreds here', () => {
    const lab = createLab()
    for (let i = 0; i < 400; i++) lab.open('192.0.2.1').announce(`p${i}`)
    const far = lab.open('198.51.100.1')
    far.announce('far')
    for (let i = 400; i < 500; i++) lab.open('192.0.2.1').announce(`p${i}`)
    far.heard()
    lab.open('192.0.2.1').announce('new', { offers: 5 })
    expect(far.heard().filter(message => message.type === 'offer')).toHaveLength(1)
  })

  test('a site with wan=deny meets nobody outside, and nobody outside meets it', () => {
    const lab = createLab()
    lab.registry.setSites(sites('site,cidr,wan\nhq,10.0.0.0/8,deny\n'))
    const inside = ['10.0.0.1', '10.9.0.1', '10.9.0.2'].map(address => lab.open(address))
    const outside = ['192.0.2.1', '192.0.2.2', '198.51.100.1'].map(address => lab.open(address))
    for (const [i, client] of inside.entries()) client.announce(`in${i}`)
    for (const [i, client] of outside.entries()) client.announce(`out${i}`)
    const offers = (client: Client) =>
      client.heard().flatMap(message => (message.type === 'offer' ? [message.from.slice(0, 2)] : []))
    for (const client of [...inside, ...outside]) client.heard()
    for (const [i, client] of inside.entries()) client.announce(`in${i}`, { offers: 5 })
    for (const [i, client] of outside.entries()) client.announce(`out${i}`, { offers: 5 })
    expect(new Set(inside.flatMap(offers))).toEqual(new Set(['in']))
    expect(new Set(outside.flatMap(offers))).toEqual(new Set(['ou']))
  })

  test('two who only take are not introduced', () => {
    const lab = createLab()
    const [a, b, c] = ['1', '2', '3'].map(n => lab.open(`192.0.2.${n}`)) as [Client, Client, Client]
    a.announce('a', { ours: { mode: 'leech' } })
    c.announce('c', { ours: { mode: 'share' } })
    b.announce('b', { ours: { mode: 'leech' } })
    expect(named(b)).toEqual(['c:prefix'])
  })
})

describe('a client of ours', () => {
  test('learns its group, the policy and its neighbours, and dials them', () => {
    const lab = createLab()
    lab.registry.setSites(sites('site,cidr,wan,lineKbps\nhq,10.0.0.0/8,deny,20000\n'))
    const [a, b] = [lab.open('10.1.0.1'), lab.open('10.2.0.1')]
    a.announce('a', { ours: {} })
    expect(a.heard()).toMatchObject([
      {
        type: 'response',
        extras: {
          group: { level: 'site', size: 1 },
          policy: { mode: 'share', wan: 'deny', lineKbps: 20_000 },
        },
      },
    ])
    b.announce('b', { ours: {} })
    expect(a.heard()).toMatchObject([])
    lab.pass(1_100)
    expect(a.heard()).toMatchObject([
      { type: 'response', counts: null, extras: { group: { level: 'site', size: 2 } } },
    ])
    expect(named(b)).toEqual(['a:site'])

    b.signal('b', 'a', { type: 'offer', offer: 'x' })
    expect(a.heard()).toEqual([
      {
        type: 'offer',
        infoHash: idOf('film'),
        from: idOf('b'),
        offerId: idOf('x'),
        sdp: 'offer of b',
        level: 'site',
        trickle: true,
      },
    ])
    b.signal('b', 'a', { type: 'candidates', offer: 'x', candidates: ['c1', 'c2'] })
    a.signal('a', 'b', { type: 'candidates', offer: 'x', candidates: ['c3'] })
    a.signal('a', 'b', { type: 'answer', offer: 'x' })
    a.signal('a', 'b', { type: 'candidates', offer: 'x', candidates: ['c4'] })
    expect(a.heard()).toMatchObject([{ type: 'candidates', from: idOf('b'), candidates: ['c1', 'c2'] }])
    expect(b.heard()).toMatchObject([
      { type: 'candidates', from: idOf('a'), candidates: ['c3'] },
      { type: 'answer', from: idOf('a'), sdp: 'answer of a' },
      { type: 'candidates', candidates: ['c4'] },
    ])
  })

  test('gets everybody of a group of 24, and not the same again within a minute', () => {
    const lab = createLab()
    const clients = Array.from({ length: 24 }, (_, i) => {
      const client = lab.open('192.0.2.1')
      client.announce(`p${i}`, { ours: {} })
      return client
    })
    expect(clients.map(client => named(client).length)).toEqual(clients.map((_, i) => i))
    const last = clients[23] as Client
    last.announce('p23', { ours: { have: 3 } })
    expect(named(last)).toEqual([])
    lab.pass(61_000)
    last.announce('p23', { ours: { have: 3 } })
    expect(named(last)).toHaveLength(23)
  })

  test('in a large group gets two parents, and at most four far', () => {
    const lab = createLab()
    for (let i = 0; i < 60; i++) lab.open('192.0.2.1').announce(`n${i}`, { ours: {} })
    for (let i = 0; i < 60; i++) lab.open(`198.51.${i}.1`).announce(`f${i}`, { ours: {} })
    const me = lab.open('192.0.2.1')
    me.announce('me', { ours: { want: 20 } })
    const levels = named(me).map(text => text.split(':')[1])
    expect(levels.filter(level => level === 'address')).toHaveLength(2)
    expect(levels.filter(level => level === 'far')).toHaveLength(4)
  })

  /** What a client last heard of its place. */
  const places = (client: Client) =>
    client
      .heard()
      .flatMap(message => (message.type === 'response' && message.extras?.backbone ? [message.extras] : []))

  test('is moved when its group outgrows a mesh, and again when it has shrunk', () => {
    const lab = createLab()
    const clients = Array.from({ length: 31 }, (_, i) => {
      const client = lab.open('192.0.2.1')
      client.announce(`p${i}`, { ours: {} })
      return client
    })
    const roles = clients.map(client => places(client).at(-1)?.backbone?.role)
    expect(roles.filter(role => role === 'fetcher')).toHaveLength(12)
    expect(roles.filter(role => role === 'member')).toHaveLength(19)
    for (const client of clients.splice(20)) client.close()
    for (const client of clients) expect(places(client).at(-1)?.backbone?.role).toBe('mesh')
  })

  test('hears at once who replaces a parent that left, and may dial it', () => {
    const lab = createLab()
    const clients = new Map<string, Client>()
    for (let i = 0; i < 40; i++) {
      const client = lab.open('192.0.2.1')
      client.announce(`p${i}`, { ours: {} })
      clients.set(`p${i}`, client)
    }
    const child = clients.get('p39')!
    const parents = named(child).map(text => text.split(':')[0]!)
    expect(parents).toHaveLength(2)
    clients.get(parents[0]!)!.close()
    const next = named(child).map(text => text.split(':')[0]!)
    expect(next).toHaveLength(2)
    expect(next).not.toContain(parents[0])
    const added = next.find(parent => !parents.includes(parent))!
    clients.get(added)!.heard()
    child.signal('p39', added, { type: 'offer', offer: 'new' })
    expect(clients.get(added)!.heard()).toMatchObject([{ type: 'offer', from: idOf('p39') }])
  })

  test('gets another parent for one that it could not reach, and none whose uplink is thin', () => {
    const lab = createLab()
    const thin = lab.open('192.0.2.1')
    thin.announce('thin', { ours: { childLinks: 0 } })
    for (let i = 0; i < 40; i++) lab.open('192.0.2.1').announce(`p${i}`, { ours: {} })
    const me = lab.open('192.0.2.1')
    me.announce('me', { ours: {} })
    const parents = named(me).map(text => text.split(':')[0]!)
    expect(parents).not.toContain('thin')
    me.announce('me', { ours: { failed: parents[0]! } })
    const next = named(me).map(text => text.split(':')[0]!)
    expect(next).toHaveLength(2)
    expect(next).not.toContain(parents[0])
  })

  test('alone at home gets as many far neighbours as it wants', () => {
    const lab = createLab()
    for (let i = 0; i < 60; i++) lab.open(`198.51.${i}.1`).announce(`f${i}`, { ours: {} })
    const me = lab.open('192.0.2.1')
    me.announce('me', { ours: { want: 10 } })
    expect(named(me)).toHaveLength(10)
  })

  test('its group is the prefix only while nobody is nearer', () => {
    const lab = createLab()
    const group = (client: Client) =>
      client.heard().flatMap(message => (message.type === 'response' && message.extras?.group) || [])
    const [a, b, c] = [lab.open('192.0.2.1'), lab.open('192.0.2.2'), lab.open('192.0.2.1')]
    a.announce('a', { ours: {} })
    expect(group(a)).toMatchObject([{ level: 'address', size: 1 }])
    b.announce('b', { ours: {} })
    lab.pass(1_100)
    expect(group(a)).toMatchObject([{ level: 'prefix', size: 2 }])
    c.announce('c', { ours: {} })
    lab.pass(1_100)
    expect(group(a)).toMatchObject([{ level: 'address', size: 2 }])
    expect(group(b).at(-1)).toMatchObject({ level: 'prefix', size: 3 })
    c.close()
    lab.pass(1_100)
    expect(group(a)).toMatchObject([{ level: 'prefix', size: 2 }])
  })

  test('a storm of joins tells each member a bounded number of sizes', () => {
    const lab = createLab()
    const first = lab.open('10.0.0.1')
    first.announce('first', { ours: { want: 0 } })
    for (let i = 0; i < 2_000; i++) {
      lab.open('10.0.0.1').announce(`p${i}`, { ours: { want: 0 } })
      lab.pass(10)
    }
    lab.pass(2_000)
    const sizes = first
      .heard()
      .flatMap(message => (message.type === 'response' && message.extras?.group?.size) || [])
    expect(sizes.length).toBeLessThan(40)
    expect(sizes.at(-1)).toBeGreaterThan(1_800)
  })

  test('labels are equal within a group, and name neither address nor site; tomorrow they differ', () => {
    const lab = createLab()
    lab.registry.setSites(sites('site,cidr\nheadquarters,10.0.0.0/8\n'))
    const [a, b, c] = [lab.open('10.1.0.1'), lab.open('10.2.0.1'), lab.open('192.0.2.1')]
    const label = (client: Client, peer: string) => {
      client.announce(peer, { ours: {} })
      const [message] = client.raw().filter(message => 'interval' in message)
      const text = JSON.stringify(message)
      expect(text).not.toMatch(/10\.[12]\.|192\.0|headquarters/)
      return (message as { nearcast: { group: { label: string } } }).nearcast.group.label
    }
    const first = label(a, 'a')
    expect(label(b, 'b')).toBe(first)
    expect(label(c, 'c')).not.toBe(first)
    lab.pass(86_400_000)
    expect(label(a, 'a')).not.toBe(first)
  })
})

describe('policy', () => {
  const policies = (client: Client) =>
    client.heard().flatMap(message => (message.type === 'response' && message.extras?.policy) || [])

  test('a new site file reaches those concerned with the next sweep, and only them', () => {
    const lab = createLab()
    const [a, b, plain] = [lab.open('10.1.0.1'), lab.open('192.0.2.1'), lab.open('10.1.0.2')]
    a.announce('a', { ours: {} })
    b.announce('b', { ours: {} })
    plain.announce('plain')
    for (const client of [a, b, plain]) client.heard()
    lab.registry.setSites(sites('site,cidr,mode,wan,uploadKbps\nhq,10.0.0.0/8,leech,deny,300\n'))
    lab.pass(500)
    expect(policies(a)).toMatchObject([{ mode: 'leech', wan: 'deny', uploadKbps: 300 }])
    expect(b.heard().filter(message => message.type !== 'response' || message.extras?.policy)).toEqual([])
    expect(plain.heard()).toEqual([])
  })

  test('the kill switch stops introductions and relays at once, for a site or for all, and can be undone', () => {
    const lab = createLab()
    lab.registry.setSites(sites('site,cidr\nhq,10.0.0.0/8\n'))
    const [a, b] = [lab.open('10.1.0.1'), lab.open('10.1.0.2')]
    a.announce('a', { ours: {} })
    b.announce('b', { ours: {} })
    a.heard()
    b.heard()
    lab.registry.setOverride('hq', { mode: 'off' })
    lab.pass(500)
    expect(policies(a)).toMatchObject([{ mode: 'off' }])
    b.signal('b', 'a', { type: 'offer', offer: 'x' })
    expect(a.heard()).toEqual([])
    expect(lab.registry.stats().refused.forbidden).toBe(1)
    b.announce('b', { ours: {} })
    expect(named(b)).toEqual([])

    lab.registry.setOverride('hq', null)
    lab.pass(500)
    expect(policies(a)).toMatchObject([{ mode: 'share' }])
    lab.registry.setOverride(null, { mode: 'off' })
    lab.pass(500)
    expect(policies(a)).toMatchObject([{ mode: 'off' }])
    expect(policies(b).at(-1)).toMatchObject({ mode: 'off' })
  })

  test('a change for many connections is done in slices', () => {
    const lab = createLab()
    const clients = Array.from({ length: 50 }, (_, i) => lab.open(`192.0.2.${i}`))
    for (const [i, client] of clients.entries()) client.announce(`p${i}`, { ours: { want: 0 } })
    lab.registry.setOverride(null, { mode: 'off' })
    const pushes = (slice: number) =>
      lab.registry
        .sweep(slice)
        .filter(action => action.type === 'send' && action.message.includes('"policy"')).length
    expect(pushes(20)).toBe(20)
    expect(pushes(100)).toBe(30)
  })

  test('maxPeers bounds the neighbours named', () => {
    const lab = createLab({ policy: { maxPeers: 3 } })
    for (let i = 0; i < 20; i++) lab.open(`198.51.${i}.1`).announce(`f${i}`, { ours: {} })
    const me = lab.open('192.0.2.1')
    me.announce('me', { ours: { want: 10, have: 1 } })
    expect(named(me)).toHaveLength(2)
  })
})

describe('a peer_id in use', () => {
  test('is taken over at once from the same address', () => {
    const lab = createLab()
    const [old, now] = [lab.open('192.0.2.1'), lab.open('192.0.2.1')]
    old.announce('a')
    now.announce('a')
    expect(now.raw()).toMatchObject([{ interval: expect.any(Number) }])
    expect(lab.registry.stats().peers).toBe(1)
    old.close()
    expect(lab.registry.stats().peers).toBe(1)
  })

  test('is taken over from anywhere with the tracker id that only its owner was given', () => {
    const lab = createLab()
    const [old, now] = [lab.open('192.0.2.1'), lab.open('198.51.100.1')]
    old.announce('a')
    const token = String(old.raw()[0]?.['tracker id'])
    now.announce('a', { trackerId: token })
    expect(now.raw()).toMatchObject([{ interval: expect.any(Number) }])
    expect(old.pings()).toBe(0)
  })

  test('stays with its holder when that answers, and the stranger is refused', () => {
    const lab = createLab()
    const [holder, stranger, friend] = [
      lab.open('192.0.2.1'),
      lab.open('198.51.100.1'),
      lab.open('203.0.113.1'),
    ]
    holder.announce('a')
    stranger.announce('a', { trackerId: 'guess', offers: 1 })
    expect(holder.pings()).toBe(1)
    expect(stranger.raw()).toEqual([])
    holder.pong()
    expect(stranger.raw()).toMatchObject([{ info_hash: idOf('film'), 'failure reason': expect.any(String) }])
    holder.heard()
    friend.announce('f', { offers: 1 })
    expect(holder.heard()).toMatchObject([{ type: 'offer' }])
    expect(stranger.raw()).toEqual([])
    lab.pass(10_000)
    expect(holder.closed()).toBeNull()
  })

  test('goes to the newcomer when the old socket is dead', () => {
    const lab = createLab()
    const [dead, owner] = [lab.open('192.0.2.1'), lab.open('198.51.100.1')]
    dead.announce('a', { ours: {} })
    owner.announce('a', { ours: {} })
    lab.pass(6_000)
    expect(dead.closed()).toBe(1001)
    expect(owner.heard()[0]).toMatchObject({
      type: 'response',
      interval: expect.any(Number),
      extras: { group: { size: 1 } },
    })
    expect(lab.registry.stats()).toMatchObject({ peers: 1, connections: 1 })
  })

  test('goes to the newcomer when the old socket closes while it is asked', () => {
    const lab = createLab()
    const [old, owner] = [lab.open('192.0.2.1'), lab.open('198.51.100.1')]
    old.announce('a')
    owner.announce('a')
    old.close()
    expect(owner.raw()).toMatchObject([{ interval: expect.any(Number) }])
  })

  test('cannot be stopped by a stranger', () => {
    const lab = createLab()
    const [holder, stranger] = [lab.open('192.0.2.1'), lab.open('198.51.100.1')]
    holder.announce('a')
    stranger.announce('a', { event: 'stopped' })
    expect(lab.registry.stats().peers).toBe(1)
    expect(holder.pings()).toBe(0)
  })
})
