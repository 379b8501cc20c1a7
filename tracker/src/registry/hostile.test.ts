import { describe, expect, test } from 'vitest'
import { type Client, createLab, idOf } from './lab.ts'

const announce = { action: 'announce', info_hash: idOf('film'), peer_id: idOf('x') }

describe('hostile messages', () => {
  const deep = '['.repeat(30_000) + ']'.repeat(30_000)
  test.each([
    ['null', 'null'],
    ['an array', '[]'],
    ['a number', '7'],
    ['nothing', ''],
    ['half a message', '{"action":"announce"'],
    ['deep JSON', deep],
    ['deep JSON inside', `{"action":"announce","info_hash":${deep}}`],
    ['no action', JSON.stringify({ info_hash: idOf('film') })],
    ['offers with null', JSON.stringify({ ...announce, offers: [null] })],
    ['offers with arrays', JSON.stringify({ ...announce, offers: [[]] })],
    ['scrape of a number', JSON.stringify({ action: 'scrape', info_hash: 5 })],
    ['scrape of an object', JSON.stringify({ action: 'scrape', info_hash: {} })],
    ['scrape of nested arrays', JSON.stringify({ action: 'scrape', info_hash: [[idOf('film')]] })],
    ['19 characters', JSON.stringify({ ...announce, info_hash: 'a'.repeat(19) })],
    ['21 characters', JSON.stringify({ ...announce, peer_id: 'a'.repeat(21) })],
    ['above U+00FF', JSON.stringify({ ...announce, peer_id: '\u{1f600}'.repeat(10) })],
    ['__proto__', '{"action":"announce","__proto__":{"info_hash":"x"},"constructor":null}'],
    [
      'an answer without an announce',
      JSON.stringify({
        ...announce,
        to_peer_id: idOf('v'),
        offer_id: idOf('o'),
        answer: { type: 'answer', sdp: 'x' },
      }),
    ],
  ])('%s harms nobody', (_, text) => {
    const lab = createLab()
    const [victim, attacker] = [lab.open('192.0.2.1'), lab.open('192.0.2.1')]
    victim.announce('v')
    victim.raw()
    attacker.sayText(text)
    // Either a failure that old clients survive, or a closed socket.
    for (const answer of attacker.raw()) {
      expect(answer).toHaveProperty('failure reason')
      expect(answer['action'] === 'scrape' || typeof answer['info_hash'] === 'string').toBe(true)
    }
    expect(victim.raw()).toEqual([])
    expect(victim.closed()).toBeNull()
    expect(lab.registry.stats().peers).toBe(1)
  })

  test('an answer that nobody asked for, or from somebody else, never arrives', () => {
    const lab = createLab()
    const clients = ['a', 'b', 'c'].map(name => {
      const client = lab.open('192.0.2.1')
      client.announce(name)
      return client
    }) as [Client, Client, Client]
    const [a, b, c] = clients
    a.announce('a', { offers: 1 })
    const receiver = [b, c].find(client => client.heard().some(message => message.type === 'offer')) as Client
    const other = receiver === b ? c : b
    const names = receiver === b ? (['b', 'c'] as const) : (['c', 'b'] as const)
    a.heard()
    // Never asked.
    other.signal(names[1], 'a', { type: 'answer', offer: 'a-0' })
    // In the name of who was asked, from another socket.
    other.signal(names[0], 'a', { type: 'answer', offer: 'a-0' })
    // Asked, but another offer.
    receiver.signal(names[0], 'a', { type: 'answer', offer: 'a-9' })
    expect(a.heard()).toEqual([])
    receiver.signal(names[0], 'a', { type: 'answer', offer: 'a-0' })
    expect(a.heard()).toHaveLength(1)
  })

  test('an answer after a minute is too late', () => {
    const lab = createLab()
    const [a, b] = [lab.open('192.0.2.1'), lab.open('192.0.2.1')]
    b.announce('b')
    a.announce('a', { offers: 1 })
    a.heard()
    lab.pass(60_500)
    b.signal('b', 'a', { type: 'answer', offer: 'a-0' })
    expect(a.heard()).toEqual([])
  })

  test('an answer to somebody who left closes nothing', () => {
    const lab = createLab()
    const [a, b] = [lab.open('192.0.2.1'), lab.open('192.0.2.1')]
    b.announce('b')
    a.announce('a', { offers: 1 })
    a.close()
    b.heard()
    b.signal('b', 'a', { type: 'answer', offer: 'a-0' })
    expect(b.closed()).toBeNull()
    expect(b.raw()).toEqual([])
    expect(lab.registry.stats().refused.absent).toBe(1)
  })

  test('an answer does not reach whoever came back under the same name', () => {
    const lab = createLab()
    const [a, b] = [lab.open('192.0.2.1'), lab.open('192.0.2.1')]
    b.announce('b')
    a.announce('a', { offers: 1 })
    a.announce('a', { event: 'stopped' })
    a.announce('a')
    a.heard()
    b.signal('b', 'a', { type: 'answer', offer: 'a-0' })
    expect(a.heard()).toEqual([])
  })

  test('no foreign field reaches anybody', () => {
    const lab = createLab()
    const [victim, attacker] = [lab.open('192.0.2.1'), lab.open('192.0.2.1')]
    victim.announce('v')
    victim.raw()
    const foreign = {
      interval: 1,
      'failure reason': 'die',
      'tracker id': 'evil',
      nearcast: { policy: { mode: 'off' }, level: 'site' },
    }
    attacker.say({
      ...announce,
      ...foreign,
      numwant: 1,
      offers: [{ ...foreign, offer: { ...foreign, type: 'offer', sdp: 'v=0' }, offer_id: idOf('o') }],
    })
    expect(victim.raw()).toEqual([
      {
        action: 'announce',
        info_hash: idOf('film'),
        peer_id: idOf('x'),
        offer: { type: 'offer', sdp: 'v=0' },
        offer_id: idOf('o'),
      },
    ])
    attacker.raw()
    victim.say({
      ...announce,
      ...foreign,
      peer_id: idOf('v'),
      to_peer_id: idOf('x'),
      offer_id: idOf('o'),
      answer: { ...foreign, type: 'answer', sdp: 'v=0' },
    })
    expect(attacker.raw()).toEqual([
      {
        action: 'announce',
        info_hash: idOf('film'),
        peer_id: idOf('v'),
        answer: { type: 'answer', sdp: 'v=0' },
        offer_id: idOf('o'),
      },
    ])
  })

  test('directed offers reach only who was named, candidates only who is in the offer', () => {
    const lab = createLab()
    const [a, b, c] = [lab.open('192.0.2.1'), lab.open('192.0.2.1'), lab.open('198.51.100.1')]
    a.announce('a', { ours: { want: 0 } })
    b.announce('b', { ours: {} })
    c.announce('c', { ours: { want: 0 } })
    for (const client of [a, b, c]) client.heard()
    c.signal('c', 'a', { type: 'offer', offer: 'x' })
    b.signal('b', 'a', { type: 'candidates', offer: 'x', candidates: ['k'] })
    expect(a.heard()).toEqual([])
    b.signal('b', 'a', { type: 'offer', offer: 'x' })
    c.signal('c', 'a', { type: 'candidates', offer: 'x', candidates: ['k'] })
    c.signal('c', 'b', { type: 'candidates', offer: 'x', candidates: ['k'] })
    expect(a.heard()).toMatchObject([{ type: 'offer', from: idOf('b') }])
    expect(b.heard()).toEqual([])
    expect(lab.registry.stats().refused).toMatchObject({ unnamed: 1, unsolicited: 3 })
  })

  test('one neighbour cannot fill another’s ledger', () => {
    const lab = createLab()
    const [a, b] = [lab.open('192.0.2.1'), lab.open('192.0.2.1')]
    a.announce('a', { ours: {} })
    b.announce('b', { ours: {} })
    a.heard()
    for (let i = 0; i < 20; i++) b.signal('b', 'a', { type: 'offer', offer: `x${i}` })
    expect(a.heard()).toHaveLength(4)
  })

  test('candidates for one offer are bounded', () => {
    const lab = createLab()
    const [a, b] = [lab.open('192.0.2.1'), lab.open('192.0.2.1')]
    a.announce('a', { ours: {} })
    b.announce('b', { ours: {} })
    b.signal('b', 'a', { type: 'offer', offer: 'x' })
    a.heard()
    for (let i = 0; i < 40; i++) {
      b.signal('b', 'a', { type: 'candidates', offer: 'x', candidates: ['k'] })
      lab.pass(50)
    }
    expect(a.heard().filter(message => message.type === 'candidates')).toHaveLength(32)
  })

  test('too many messages are dropped, far too many end the socket; a newcomer to a full mesh stays', () => {
    const lab = createLab()
    const flood = lab.open('192.0.2.1')
    for (let i = 0; i < 1_000 && flood.closed() === null; i++) flood.announce('f', { ours: {} })
    expect(flood.closed()).toBe(1008)
    expect(lab.registry.stats().announces).toBeLessThanOrEqual(61)

    const polite = lab.open('192.0.2.1')
    const others = Array.from({ length: 23 }, (_, i) => {
      const client = lab.open('192.0.2.1')
      client.announce(`n${i}`, { ours: {} })
      return client
    })
    polite.announce('p', { ours: {} })
    for (let i = 0; i < 23; i++) {
      polite.signal('p', `n${i}`, { type: 'offer', offer: `o${i}` })
      for (let k = 0; k < 4; k++)
        polite.signal('p', `n${i}`, { type: 'candidates', offer: `o${i}`, candidates: ['k'] })
    }
    expect(
      others.flatMap(client => client.heard()).filter(message => message.type === 'candidates'),
    ).toHaveLength(23 * 4)
  })

  test('one socket holds at most 32 memberships', () => {
    const lab = createLab()
    const a = lab.open('192.0.2.1')
    for (let i = 0; i < 40; i++) a.announce(`p${i}`, { swarm: `s${i}` })
    expect(lab.registry.stats().peers).toBe(32)
    expect(a.raw().filter(message => 'failure reason' in message)).toHaveLength(8)
  })

  test('one public address holds at most so many sockets; a private one is a proxy or a lab', () => {
    const lab = createLab({ limits: { connectionsPerAddress: 3 } })
    const clients = Array.from({ length: 5 }, () => lab.open('203.0.113.5'))
    expect(clients.map(client => client.closed())).toEqual([null, null, null, 1008, 1008])
    clients[0]?.close()
    expect(lab.open('203.0.113.5').closed()).toBeNull()
    expect(Array.from({ length: 5 }, () => lab.open('10.0.0.1').closed())).toEqual(Array(5).fill(null))
  })

  test('sockets that never say anything valid are closed after ten seconds', () => {
    const lab = createLab()
    const clients = Array.from({ length: 100 }, () => lab.open('10.0.0.1'))
    const [silent, busy, odd] = clients as [Client, Client, Client]
    busy.announce('b')
    odd.say({ ...announce, offers: 5 })
    lab.pass(11_000)
    expect([silent.closed(), busy.closed(), odd.closed()]).toEqual([1008, null, 1008])
    expect(lab.registry.stats().connections).toBe(1)
  })
})
