import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Grant } from '../access/grant.ts'
import { readSites } from '../sites/read-sites.ts'
import { type Client, createLab, idOf, type Lab } from './lab.ts'

const hour = 3_600_000

function grant(lab: Lab, fields: Partial<Grant> = {}): Grant {
  return {
    token: 'good',
    holder: 'alice',
    content: new Set([idOf('film')]),
    origins: null,
    site: null,
    until: lab.now() + hour,
    mostPeers: Number.POSITIVE_INFINITY,
    ...fields,
  }
}

const good = (lab: Lab, fields: Partial<Grant> = {}) => ({ ok: true as const, grant: grant(lab, fields) })
const refusals = (client: Client) => client.raw().flatMap(message => message['failure reason'] ?? [])
const answered = (client: Client) => client.heard().map(({ type }) => type)

describe('where tokens are required', () => {
  const start = () => createLab({ tokens: 'required' })

  test('an announce without one is refused so that old clients survive it, and the socket closes in time', () => {
    const lab = start()
    const a = lab.open('192.0.2.1')
    a.announce('a')
    expect(a.raw()).toEqual([
      {
        action: 'announce',
        info_hash: idOf('film'),
        'failure reason': 'a token is needed',
        nearcast: { v: 1, refused: 'token' },
      },
    ])
    expect(lab.registry.stats()).toMatchObject({ peers: 0, refused: { token: 1 } })
    lab.pass(9_000)
    expect(a.closed()).toBeNull()
    lab.pass(1_500)
    expect(a.closed()).toBe(1008)
  })

  test('an announce waits for its token, and what follows waits behind it, in order', () => {
    const lab = start()
    const a = lab.open('192.0.2.1')
    a.announce('a', { ours: { token: 'good' } })
    a.announce('a', { event: 'completed' })
    a.say({ action: 'scrape', info_hash: idOf('film') })
    expect(a.asked()).toEqual(['good'])
    expect(a.heard()).toEqual([])
    a.verified('good', good(lab))
    expect(answered(a)).toEqual(['response', 'response', 'scrape'])
    lab.pass(20_000)
    expect(a.closed()).toBeNull()
  })

  test('the same token again is not looked at again, another is', () => {
    const lab = start()
    const a = lab.open('192.0.2.1')
    a.announce('a', { ours: { token: 'good' } })
    a.asked()
    a.verified('good', good(lab))
    a.announce('a', { ours: { token: 'good' } })
    expect(a.asked()).toEqual([])
    a.announce('a', { ours: { token: 'other' } })
    expect(a.asked()).toEqual(['other'])
  })

  test('a bad one is refused, and the next may be good', () => {
    const lab = start()
    const a = lab.open('192.0.2.1')
    a.announce('a', { ours: { token: 'bad' } })
    a.announce('a', { ours: { token: 'good' } })
    expect(a.asked()).toEqual(['bad'])
    a.verified('bad', { ok: false, reason: 'signature' })
    expect(refusals(a)).toEqual(['the token is signed by nobody known here'])
    expect(a.asked()).toEqual(['good'])
    a.verified('good', good(lab))
    expect(answered(a)).toEqual(['response'])
    expect(lab.registry.stats().tokens).toMatchObject({ good: 1, signature: 1 })
  })

  test('it counts for its content, page and time only', () => {
    const lab = start()
    const a = lab.open('192.0.2.1', { origin: 'https://good.example', grant: grant(lab) })
    a.announce('a', { swarm: 'other' })
    expect(refusals(a)).toEqual(['the token is for other content'])
    a.say({ action: 'scrape', info_hash: [idOf('film'), idOf('other')] })
    expect(refusals(a)).toEqual(['a token is needed'])
    const b = lab.open('192.0.2.2', {
      origin: 'https://evil.example',
      grant: grant(lab, { origins: ['https://good.example'] }),
    })
    b.announce('b')
    expect(refusals(b)).toEqual(['the token is for another site'])
    const c = lab.open('192.0.2.3', { grant: grant(lab, { until: lab.now() }) })
    c.announce('c')
    expect(refusals(c)).toEqual(['the token has expired'])
    expect(lab.registry.stats().peers).toBe(0)
  })

  test('one that was passed around lets in no more than it says, and a place that is left is free again', () => {
    const lab = start()
    const two = { grant: grant(lab, { mostPeers: 2 }) }
    const [a, b, c] = ['a', 'b', 'c'].map((name, i) => {
      const client = lab.open(`192.0.2.${i + 1}`, two)
      client.announce(name)
      return client
    }) as [Client, Client, Client]
    expect([answered(a), answered(b)]).toEqual([['response'], ['response']])
    expect(refusals(c)).toEqual(['the token is in use by as many as it allows'])
    a.announce('a')
    expect(answered(a)).toEqual(['response'])
    b.close()
    c.announce('c')
    expect(answered(c)).toEqual(['response'])
  })

  test('a membership outlives its token by the grace; with a fresh one it goes on', () => {
    const lab = start()
    const open = () => lab.open('192.0.2.1', { grant: grant(lab, { until: lab.now() + 10_000 }) })
    const a = open()
    const b = open()
    for (const [name, client] of [
      ['a', a],
      ['b', b],
    ] as const)
      client.announce(name)
    lab.pass(60_000)
    a.raw()
    b.announce('b', { ours: { token: 'fresh' } })
    b.verified('fresh', good(lab, { token: 'fresh' }))
    b.raw()
    lab.pass(20_000)
    expect(refusals(a)).toEqual(['the token has expired'])
    expect(refusals(b)).toEqual([])
    expect(lab.registry.stats().peers).toBe(1)
    expect(a.closed()).toBeNull()
  })

  test('one socket has a token for each of its swarms', () => {
    const lab = start()
    const a = lab.open('192.0.2.1')
    a.announce('a', { ours: { token: 'good' } })
    a.verified('good', good(lab))
    a.announce('b', { swarm: 'other', ours: { token: 'two' } })
    a.verified('two', good(lab, { token: 'two', content: new Set([idOf('other')]) }))
    a.announce('a')
    a.announce('b', { swarm: 'other' })
    expect(answered(a)).toEqual(['response', 'response', 'response', 'response'])
    a.announce('c', { swarm: 'other', event: 'started' })
    expect(refusals(a)).toEqual(['a token is needed'])
  })

  test('a socket that closes while its token is looked at leaves nothing behind', () => {
    const lab = start()
    const a = lab.open('192.0.2.1')
    a.announce('a', { ours: { token: 'good' } })
    a.close()
    a.verified('good', good(lab))
    expect(lab.registry.stats()).toMatchObject({ peers: 0, connections: 0 })
  })

  test('what waits behind a token is bounded', () => {
    const lab = createLab({ tokens: 'required', limits: { messageBurst: 1_000 } })
    const a = lab.open('192.0.2.1')
    a.announce('a', { ours: { token: 'good' } })
    for (let i = 0; i < 200; i++) a.announce('a')
    a.verified('good', good(lab))
    expect(a.heard()).toHaveLength(64)
    expect(lab.registry.stats().refused.rate).toBe(137)
  })
})

describe('where tokens are optional', () => {
  test('nobody is refused for want of one or for a bad one', () => {
    const lab = createLab({ tokens: 'optional' })
    const a = lab.open('192.0.2.1')
    a.announce('a')
    a.announce('b', { ours: { token: 'bad' } })
    a.verified('bad', { ok: false, reason: 'expired' })
    expect(answered(a)).toEqual(['response', 'response'])
  })

  test('a site that the token names goes before the address, until it expires', () => {
    const lab = createLab({ tokens: 'optional' })
    const read = readSites('site,cidr,wan\nhq,10.2.0.0/16,deny\n')
    if (read.ok) lab.registry.setSites(read.table)
    const a = lab.open('10.2.0.1')
    const b = lab.open('198.51.100.7')
    a.announce('a', { ours: { want: 4 } })
    b.announce('b', { ours: { want: 4, token: 'good' } })
    b.verified('good', good(lab, { site: 'hq', until: lab.now() + 5_000 }))
    const [response] = b.raw() as { nearcast: { neighbours: unknown; policy: object } }[]
    expect(response?.nearcast.neighbours).toEqual([{ peer_id: idOf('a'), level: 'site' }])
    expect(response?.nearcast.policy).toMatchObject({ wan: 'deny' })
    lab.pass(70_000)
    const later = b.raw() as { nearcast: { policy?: object } }[]
    expect(later.flatMap(({ nearcast }) => nearcast.policy ?? [])).toMatchObject([{ wan: 'allow' }])
    expect(lab.registry.stats().peers).toBe(2)
  })
})

test('a token that counts its peers is not counted by address', () => {
  const lab = createLab({ tokens: 'required', limits: { connectionsPerAddress: 1 } })
  lab.open('192.0.2.1')
  expect(lab.open('192.0.2.1').closed()).toBe(1008)
  expect(lab.open('192.0.2.1', { grant: grant(lab, { mostPeers: 5 }) }).closed()).toBeNull()
})

test('without tokens nothing is looked at, whatever an announce carries', () => {
  const lab = createLab()
  const a = lab.open('192.0.2.1')
  a.announce('a', { ours: { token: 'anything' } })
  expect(a.asked()).toEqual([])
  expect(answered(a)).toEqual(['response'])
})

test('whatever order tokens, answers, moves and ends come in, no place under a token is lost or given twice', () => {
  const move = fc.record({
    who: fc.nat(3),
    what: fc.constantFrom(
      'announce',
      'announce',
      'announce',
      'verify',
      'verify',
      'stop',
      'close',
      'take',
      'pass',
    ),
    token: fc.constantFrom('one', 'two', 'bad'),
  })
  fc.assert(
    fc.property(fc.array(move, { minLength: 30, maxLength: 60 }), moves => {
      const lab = createLab({ tokens: 'required', limits: { messageBurst: 1e6, claimMs: 1_000 } })
      const open = (who: number) => lab.open(`192.0.2.${who + 1}`)
      const clients = [0, 1, 2, 3].map(open)
      const waiting: string[][] = [[], [], [], []]
      const verify = (who: number) => {
        waiting[who]?.push(...(clients[who]?.asked() ?? []))
        const token = waiting[who]?.shift()
        if (token === undefined) return
        const until = lab.now() + 5_000
        clients[who]?.verified(
          token,
          token === 'bad'
            ? { ok: false, reason: 'signature' }
            : good(lab, { token, holder: token, mostPeers: 2, until }),
        )
      }
      for (const { who, what, token } of moves) {
        const client = clients[who] as Client
        const name = `p${who}`
        if (what === 'announce') client.announce(name, { ours: { token } })
        else if (what === 'take') client.announce(`p${(who + 1) % 4}`, { ours: { token } })
        else if (what === 'stop') client.announce(name, { event: 'stopped' })
        else if (what === 'verify') verify(who)
        else if (what === 'pass') lab.pass(3_000)
        else {
          client.close()
          clients[who] = open(who)
          waiting[who] = []
        }
        expect(lab.registry.stats().peers).toBeLessThanOrEqual(4)
      }
      for (const client of clients) client.close()
      lab.pass(5_000)
      expect(lab.registry.stats()).toMatchObject({ connections: 0, peers: 0 })
      for (const token of ['one', 'two']) {
        const heard = ['x', 'y', 'z'].map(name => {
          const client = lab.open('192.0.2.9', { grant: grant(lab, { token, holder: token, mostPeers: 2 }) })
          client.announce(name)
          return refusals(client).length
        })
        expect(heard).toEqual([0, 0, 1])
      }
    }),
    { seed: 7, numRuns: 300 },
  )
})
