import { describe, expect, test } from 'vitest'
import { type Client, createLab, idOf } from './lab.ts'

const offersOf = (client: Client) => client.heard().filter(({ type }) => type === 'offer').length

const namesOf = (client: Client) =>
  client
    .heard()
    .flatMap(message => (message.type === 'response' ? (message.extras?.neighbours ?? []) : []))
    .map(({ peerId }) => peerId)

describe('how many are sent at one peer', () => {
  test('newcomers go round: everybody gets about as many offers as everybody else', () => {
    const lab = createLab()
    const old = Array.from({ length: 50 }, (_, i) => lab.open(`198.51.${i}.1`))
    for (const [i, client] of old.entries()) client.announce(`old${i}`)
    for (const client of old) client.heard()
    const newcomers = Array.from({ length: 100 }, (_, i) => {
      lab.pass(100)
      const client = lab.open(`203.0.${i}.1`)
      client.announce(`new${i}`, { offers: 5 })
      return client
    })
    const counts = old.map(offersOf)
    const all =
      counts.reduce((sum, count) => sum + count, 0) + newcomers.map(offersOf).reduce((a, b) => a + b, 0)
    expect(all).toBe(500)
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
    expect(Math.min(...counts)).toBeGreaterThan(mean / 3)
    expect(Math.max(...counts)).toBeLessThan(mean * 2)
  })

  test('a peer with 64 unanswered offers gets no more; newcomers get others, and it gets more once those ended', () => {
    const lab = createLab()
    const lonely = lab.open('192.0.2.1')
    lonely.announce('lonely')
    lonely.heard()
    let sent = 0
    for (let i = 0; i < 120; i++) {
      const client = lab.open(`203.0.${i}.1`)
      // Only what is addressed to somebody counts; the newcomers find each other too.
      client.announce(`new${i}`, { offers: 5 })
      sent += offersOf(lonely)
    }
    expect(sent).toBeLessThanOrEqual(64)
    expect(sent).toBeGreaterThan(4)
    lab.pass(61_000)
    let more = 0
    for (let i = 0; i < 60; i++) {
      lab.open(`203.1.${i}.1`).announce(`late${i}`, { offers: 5 })
      more += offersOf(lonely)
    }
    expect(more).toBeGreaterThan(0)
  })

  test('the only one elsewhere is named to 64 newcomers a minute of a large office, not to all', () => {
    const lab = createLab()
    const far = lab.open('198.51.100.1')
    far.announce('far', { ours: {} })
    let named = 0
    for (let i = 0; i < 200; i++) {
      const client = lab.open('10.0.0.1')
      client.announce(`p${i}`, { ours: { want: 8 } })
      if (namesOf(client).includes(idOf('far'))) named++
      lab.pass(50)
    }
    expect(named).toBe(64)
    lab.pass(60_000)
    const late = lab.open('10.0.0.1')
    late.announce('late', { ours: { want: 8 } })
    expect(namesOf(late)).toContain(idOf('far'))
  })
})

describe('a backbone in a registry', () => {
  const placeOf = (client: Client) =>
    client
      .heard()
      .flatMap(message => (message.type === 'response' && message.extras?.backbone ? [message.extras] : []))
      .at(-1)

  test.each([300, 1_000])(
    'of %i replaces a fetcher that dies in the same breath, and every orphan’s parent',
    size => {
      const lab = createLab()
      const clients = Array.from({ length: size }, (_, i) => {
        const client = lab.open('10.0.0.1')
        client.announce(`p${i}`, { ours: {} })
        return client
      })
      lab.pass(2_000)
      const places = clients.map(placeOf)
      const fetchers = clients.filter((_, i) => places[i]?.backbone?.role === 'fetcher')
      const members = clients.filter((_, i) => places[i]?.backbone?.role === 'member')
      expect(fetchers).toHaveLength(12)
      expect(members).toHaveLength(size - 12)
      const epoch = Math.max(...places.map(place => place?.backbone?.epoch ?? 0))

      const dead = fetchers[3] as Client
      const deadId = idOf(`p${clients.indexOf(dead)}`)
      dead.close()
      // No sweep has passed: all this is the answer to its socket's end.
      const news = new Map(clients.map(client => [client, placeOf(client)]))
      const promoted = members.filter(client => news.get(client)?.backbone?.role === 'fetcher')
      expect(promoted).toHaveLength(1)
      expect(news.get(promoted[0] as Client)?.backbone?.epoch).toBeGreaterThan(epoch)
      const told = [...news.values()].filter(place => place !== undefined)
      // The successor, those who lost a parent, and nobody else.
      expect(told.length).toBeLessThan(60)
      for (const place of told) expect(place?.neighbours?.map(({ peerId }) => peerId)).not.toContain(deadId)
      const orphans = told.filter(place => place?.backbone?.role === 'member')
      expect(orphans.length).toBeGreaterThan(8)
      for (const orphan of orphans) expect(orphan?.neighbours).toHaveLength(2)
    },
  )
})
