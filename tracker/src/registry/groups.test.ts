import { hexToBinary, type TrackerExtras } from '@nearcast/peer-core/signalling'
import { describe, expect, test } from 'vitest'
import type { Address } from '../address/address.ts'
import { readSites } from '../sites/read-sites.ts'
import { type Client, createLab, idOf } from './lab.ts'

/** What our tracker told a client, in order. */
const told = (client: Client): TrackerExtras[] =>
  client.heard().flatMap(message => (message.type === 'response' && message.extras ? [message.extras] : []))

const named = (client: Client) =>
  told(client).flatMap(({ neighbours }) =>
    (neighbours ?? []).map(({ peerId, level }) => `${peerId.replaceAll('.', '')}:${level}`),
  )

const levels = (names: readonly string[]) => names.map(name => name.split(':')[1])

/** A database by the second byte of an IPv4 address: provider and country. */
const locate = ({ bytes }: Address) => ({
  asn: String(bytes[1]),
  country: (bytes[1] ?? 0) < 100 ? 'FR' : 'DE',
})

describe('providers and countries', () => {
  test('come before strangers for whoever is alone at home, and some strangers are there all the same', () => {
    const lab = createLab({ locate })
    for (let i = 0; i < 60; i++) lab.open(`5.200.${i}.1`).announce(`far${i}`, { ours: {} })
    for (let i = 0; i < 3; i++) lab.open(`5.7.${i}.1`).announce(`asn${i}`, { ours: {} })
    for (let i = 0; i < 3; i++) lab.open(`5.8.${i}.1`).announce(`land${i}`, { ours: {} })
    const me = lab.open('5.7.99.1')
    me.announce('me', { ours: { want: 12 } })
    const got = levels(named(me))
    expect(got).toHaveLength(12)
    expect(got.slice(0, 6)).toEqual(['asn', 'asn', 'asn', 'country', 'country', 'country'])
    expect(got.filter(level => level === 'far').length).toBeGreaterThanOrEqual(6)
  })

  test('take speculative offers of standard clients too, one of them to a stranger', () => {
    const lab = createLab({ locate })
    const strangers = Array.from({ length: 40 }, (_, i) => lab.open(`5.200.${i}.1`))
    for (const [i, client] of strangers.entries()) client.announce(`far${i}`)
    const near = Array.from({ length: 10 }, (_, i) => lab.open(`5.7.${i}.1`))
    for (const [i, client] of near.entries()) client.announce(`asn${i}`)
    for (const client of [...strangers, ...near]) client.heard()
    lab.open('5.7.99.1').announce('me', { offers: 5 })
    const offers = (clients: readonly Client[]) =>
      clients.flatMap(client => client.heard()).filter(({ type }) => type === 'offer').length
    expect(offers(near)).toBe(4)
    expect(offers(strangers)).toBe(1)
  })

  test('of a new database hold at once, without a word to those whose group stays', () => {
    const lab = createLab()
    const [a, b] = [lab.open('5.7.1.1'), lab.open('5.7.2.1')]
    a.announce('a', { ours: {} })
    b.announce('b', { ours: {} })
    for (const client of [a, b]) client.heard()
    lab.registry.setLocate(locate)
    lab.pass(500)
    expect(told(a)).toEqual([])
    const c = lab.open('5.7.3.1')
    c.announce('c', { ours: {} })
    expect(named(c).sort()).toEqual(['a:asn', 'b:asn'])
  })
})

describe('many behind one address', () => {
  /** Opens and announces them; each is introduced to others as it comes. */
  const crowd = (lab: ReturnType<typeof createLab>, count: number, address = '192.0.2.1') =>
    Array.from({ length: count }, (_, i) => {
      const client = lab.open(address)
      client.announce(`c${i}`, { ours: { want: 8 } })
      return client
    })

  test('are a carrier’s customers: each its own group, met as strangers, and out of any backbone', () => {
    const lab = createLab()
    const clients = crowd(lab, 66)
    lab.pass(2_000)
    for (const client of clients) {
      const extras = told(client)
      expect(extras.findLast(({ group }) => group)?.group).toMatchObject({ level: 'address', size: 1 })
      const role = extras.findLast(({ backbone }) => backbone)?.backbone?.role
      expect(role ?? 'mesh').toBe('mesh')
    }
    const late = lab.open('192.0.2.1')
    late.announce('late', { ours: { want: 8 } })
    const met = named(late)
    expect(met.length).toBeGreaterThan(3)
    expect(new Set(levels(met))).toEqual(new Set(['prefix']))
  })

  test('are an office again when dials that the tracker arranged turn out direct', () => {
    const lab = createLab()
    const clients = crowd(lab, 70)
    lab.pass(2_000)
    const partners = clients.map(client => [...new Set(named(client))].map(name => name.split(':')[0] ?? ''))
    // Reports of strangers say nothing, however many.
    clients.slice(0, 20).forEach((client, i) => {
      const stranger = clients.findIndex((_, j) => j !== i && !partners[i]?.includes(`c${j}`))
      client.announce(`c${i}`, { ours: { reached: [`nobody${stranger}`, 'host-host'] } })
    })
    lab.pass(2_000)
    const groupOf = (client: Client) => told(client).findLast(({ group }) => group)?.group
    clients.forEach(groupOf)
    lab.open('192.0.2.1').announce('x', { ours: {} })
    // Three who were introduced, each once.
    let reports = 0
    clients.forEach((client, i) => {
      const partner = partners[i]?.[0]
      if (partner === undefined || partner === '' || reports === 3) return
      reports++
      client.announce(`c${i}`, { ours: { reached: [partner, 'host-host'] } })
    })
    expect(reports).toBe(3)
    lab.pass(2_000)
    expect(groupOf(clients[60] as Client)).toMatchObject({ level: 'address', size: 71 })
    const late = lab.open('192.0.2.1')
    late.announce('late', { ours: {} })
    expect(new Set(levels(named(late)))).toEqual(new Set(['address']))
  })

  test('cannot take each other’s peer_id over for coming from the same address', () => {
    const lab = createLab()
    const clients = crowd(lab, 66)
    lab.pass(2_000)
    const thief = lab.open('192.0.2.1')
    thief.announce('c3', { ours: {} })
    expect(clients[3]?.pings()).toBe(1)
    clients[3]?.pong()
    expect(thief.heard()).toMatchObject([{ type: 'failure', reason: 'this peer_id is in use' }])
  })

  test('a named site stays one group, whatever its size', () => {
    const lab = createLab()
    const read = readSites('site,cidr\ncampus,192.0.2.0/24\n')
    if (!read.ok) throw new Error(JSON.stringify(read.problems))
    lab.registry.setSites(read.table)
    const clients = crowd(lab, 80)
    lab.pass(2_000)
    expect(told(clients[0] as Client).findLast(({ group }) => group)?.group).toMatchObject({
      level: 'site',
      size: 80,
    })
  })

  test('few of whom three cannot reach the others stop waiting for each other', () => {
    const lab = createLab()
    const clients = crowd(lab, 8)
    for (const [i, client] of clients.entries())
      if (i >= 4) client.announce(`c${i}`, { ours: { failed: 'c0' } })
    lab.pass(500)
    for (const client of clients)
      expect(told(client).findLast(({ group }) => group)?.group).toMatchObject({ level: 'address', size: 1 })
  })
})

describe('private networks behind one address', () => {
  test('the own one is met first and whole, the others by a few', () => {
    const lab = createLab()
    for (let i = 0; i < 10; i++) lab.open('192.0.2.1').announce(`b${i}`, { ours: { lan: 'b' } })
    for (let i = 0; i < 10; i++) lab.open('192.0.2.1').announce(`a${i}`, { ours: { lan: 'a' } })
    lab.open('192.0.2.1').announce('unknown', { ours: {} })
    const me = lab.open('192.0.2.1')
    me.announce('me', { ours: { lan: 'a' } })
    const names = named(me)
    expect(names.slice(0, 10).every(name => /^a\d:lan$/.test(name))).toBe(true)
    expect(names.filter(name => /^b\d:address$/.test(name))).toHaveLength(4)
    expect(names).toContain('unknown:address')
  })

  test('that turn out to be apart are two groups, whose members meet only as strangers', () => {
    const lab = createLab()
    const a = Array.from({ length: 3 }, (_, i) => {
      const client = lab.open('192.0.2.1')
      client.announce(`a${i}`, { ours: { lan: 'a' } })
      return client
    })
    const b = lab.open('192.0.2.1')
    b.announce('b', { ours: { lan: 'b' } })
    for (const [i, client] of a.entries()) client.announce(`a${i}`, { ours: { lan: 'a', failed: 'b' } })
    lab.pass(1_500)
    const last = (client: Client) => told(client).findLast(({ group }) => group)?.group
    expect(a.map(last)).toEqual(a.map(() => expect.objectContaining({ level: 'address', size: 3 })))
    const late = lab.open('192.0.2.1')
    late.announce('late', { ours: { lan: 'b' } })
    expect(named(late).filter(name => name.endsWith(':address'))).toEqual(['b:address'])
  })

  test('a key that comes later moves the client, and its next announce finds its own', () => {
    const lab = createLab()
    lab.open('192.0.2.1').announce('a', { ours: { lan: 'a' } })
    const me = lab.open('192.0.2.1')
    me.announce('me', { ours: { want: 0 } })
    me.heard()
    me.announce('me', { ours: { lan: 'a' } })
    expect(named(me)).toEqual(['a:lan'])
  })
})

describe('an IPv4 and an IPv6 address of one household', () => {
  test('become one group when both ends report a direct connection', () => {
    const lab = createLab()
    const [a, b] = [lab.open('192.0.2.1'), lab.open('2001:db8::1')]
    a.announce('a', { ours: {} })
    b.announce('b', { ours: {} })
    expect(named(b)).toEqual(['a:far'])
    for (const client of [a, b]) client.heard()
    a.announce('a', { ours: { reached: ['b', 'host-host'] } })
    b.announce('b', { ours: { reached: ['a', 'host-host'] } })
    lab.pass(1_500)
    for (const client of [a, b])
      expect(told(client).findLast(({ group }) => group)?.group).toMatchObject({ level: 'address', size: 2 })
  })
})

describe('policy by content and share of viewers', () => {
  const modes = (client: Client) => told(client).flatMap(({ policy }) => policy?.mode ?? [])

  test('reaches who watches that content at that site within two sweeps, and nobody else', () => {
    const lab = createLab()
    const content = Buffer.from(idOf('film'), 'latin1').toString('hex')
    const [a, b] = [lab.open('192.0.2.1'), lab.open('192.0.2.1')]
    a.announce('a', { ours: {} })
    b.announce('b', { swarm: 'other', ours: {} })
    for (const client of [a, b]) client.heard()
    lab.registry.setRules([{ content, policy: { mode: 'off', integrity: 'required' } }])
    lab.pass(200)
    expect(modes(a)).toEqual(['off'])
    expect(modes(b)).toEqual([])
    expect(hexToBinary(content)).toBe(idOf('film'))
    // One socket, two contents: each has its own.
    a.announce('a2', { swarm: 'other', ours: {} })
    expect(modes(a)).toEqual(['share'])
    lab.registry.setRules([])
    lab.pass(200)
    expect(modes(a)).toEqual(['share'])
  })

  test('a rollout that grows switches some on and nobody off', () => {
    const lab = createLab()
    lab.registry.setRules([{ rollout: 30, policy: {} }])
    const clients = Array.from({ length: 60 }, (_, i) => {
      const client = lab.open('10.0.0.1')
      client.announce(`p${i}`, { ours: {} })
      return client
    })
    const first = clients.map(client => modes(client)[0])
    expect(first.filter(mode => mode === 'share').length).toBeGreaterThan(5)
    expect(first.filter(mode => mode === 'off').length).toBeGreaterThan(20)
    lab.registry.setRules([{ rollout: 70, policy: {} }])
    lab.pass(1_000)
    clients.forEach((client, i) => {
      const news = modes(client)
      if (first[i] === 'share') expect(news).toEqual([])
      else expect(news.every(mode => mode === 'share')).toBe(true)
    })
  })
})
