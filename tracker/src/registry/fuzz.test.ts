import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Client, createLab, idOf } from './lab.ts'

const names = ['a', 'b', 'c', 'd', 'e']
const addresses = ['192.0.2.1', '192.0.2.1', '192.0.2.2', '10.0.0.1', '2001:db8::1']

/** Mostly its own name, sometimes a stranger's. */
const stranger = fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, fc.constantFrom(...names))
const swarm = fc.constantFrom('s1', 's1', 's2')
const offer = fc.constantFrom('x', 'y', 'a-0', 'b-0', 'c-0')
const odd = fc.jsonValue({ maxDepth: 2 })
const field = fc.constantFrom(
  'action',
  'info_hash',
  'peer_id',
  'offers',
  'answer',
  'to_peer_id',
  'offer_id',
  'nearcast',
  'left',
  'event',
)
const known = fc.constantFrom('announce', 'scrape', idOf('s1'), idOf('a'), idOf('x'))

const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('announce' as const),
      stranger,
      swarm,
      offers: fc.nat(3),
      want: fc.nat(9),
      ours: fc.boolean(),
      lan: fc.constantFrom(undefined, 'a', 'b'),
      failed: fc.option(fc.constantFrom(...names), { nil: undefined }),
      reached: fc.option(fc.tuple(fc.constantFrom(...names), fc.constantFrom('host-host', 'host-srflx')), {
        nil: undefined,
      }),
      mode: fc.constantFrom('share' as const, 'share' as const, 'leech' as const, 'off' as const),
      event: fc.constantFrom('started' as const, 'stopped' as const, 'completed' as const, 'update' as const),
    }),
  },
  {
    weight: 40,
    arbitrary: fc.record({
      kind: fc.constant('signal' as const),
      stranger,
      to: fc.constantFrom(...names),
      swarm,
      offer,
      type: fc.constantFrom('offer' as const, 'answer' as const, 'candidates' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('json' as const),
      value: fc.oneof(odd, fc.dictionary(field, fc.oneof(known, odd))),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('mutated' as const),
      stranger,
      swarm,
      shape: fc.constantFrom('announce' as const, 'answer' as const, 'scrape' as const),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      cut: fc.nat(12),
      put: fc.oneof(
        fc.constantFrom('', 'null', '[]', '{}', '"', '\\', ',', '0', '1e999', '\u0000', '{"a":1}', '漢', ' '),
        fc.string({ unit: 'binary', maxLength: 8 }),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('text' as const),
      text: fc.string({ unit: 'binary', maxLength: 40 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'close' as const,
        'pong' as const,
        'off' as const,
        'on' as const,
        'on' as const,
        'rollout' as const,
        'locate' as const,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(100, 1_000, 15_000) }),
  },
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** What a mutation starts from. */
function valid(shape: 'announce' | 'answer' | 'scrape', peer: string, infoHash: string): object {
  if (shape === 'scrape') return { action: 'scrape', info_hash: [infoHash] }
  const head = { action: 'announce', info_hash: infoHash, peer_id: peer }
  if (shape === 'answer') {
    const answer = { type: 'answer', sdp: 'v=0\r\n' }
    return { ...head, to_peer_id: idOf('a'), offer_id: idOf('a-0'), answer }
  }
  const offers = [{ offer: { type: 'offer', sdp: 'v=0\r\n' }, offer_id: idOf('x') }]
  const nearcast = { v: 1, mode: 'share', neighbours: { have: 0, want: 3 }, caps: ['directed'] }
  return { ...head, numwant: 1, left: 0, event: 'started', offers, nearcast }
}

test('100,000 messages of all kinds: no throw, nothing but valid messages out, and everything is forgotten at the end', () => {
  const lab = createLab()
  const clients: Client[] = addresses.map(address => lab.open(address))

  const perform = (at: number, action: Step) => {
    let client = clients[at] as Client
    if (client.closed() !== null) clients[at] = client = lab.open(addresses[at] ?? '')
    const name = 'stranger' in action ? (action.stranger ?? names[at] ?? '') : ''
    switch (action.kind) {
      case 'announce': {
        const { swarm, offers, event, want, mode, lan, failed, reached } = action
        const ours = {
          want,
          mode,
          ...(lan && { lan }),
          ...(failed && { failed }),
          ...(reached && { reached }),
        }
        return client.announce(name, { swarm, offers, event, ...(action.ours && { ours }) })
      }
      case 'signal': {
        const { to, swarm, offer, type } = action
        const signal =
          type === 'candidates' ? { type, offer, swarm, candidates: ['k'] } : { type, offer, swarm }
        return client.signal(name, to, signal)
      }
      case 'mutated': {
        const text = JSON.stringify(valid(action.shape, idOf(name), idOf(action.swarm)))
        const from = Math.floor(action.at * text.length)
        return client.sayText(text.slice(0, from) + action.put + text.slice(from + action.cut))
      }
      case 'json':
        return client.say(action.value)
      case 'text':
        return client.sayText(action.text)
      case 'close':
        return client.close()
      case 'pong':
        return client.pong()
      case 'off':
        return lab.registry.setOverride(null, { mode: 'off' })
      case 'on':
        return lab.registry.setOverride(null, null)
      case 'rollout':
        return lab.registry.setRules([{ rollout: 70, policy: { maxPeers: 5 } }])
      case 'locate':
        return lab.registry.setLocate(({ bytes }) => ({ asn: String(bytes[0]), country: 'FR' }))
      case 'pass':
        return lab.pass(action.ms)
    }
  }

  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(names.length - 1), step), { minLength: 200, maxLength: 200 }),
      steps => {
        for (const [at, action] of steps) {
          perform(at, action)
          lab.pass(50)
          // `heard` fails on anything that a client could not read.
          for (const client of clients) client.heard()
        }
        const { connections, peers, swarms, openOffers } = lab.registry.stats()
        expect(connections).toBeLessThanOrEqual(names.length)
        // A name or two in each swarm, and whatever swarms the odd messages made; each socket holds 32 at most.
        expect(peers).toBeLessThanOrEqual(names.length * 32)
        expect(swarms).toBeLessThanOrEqual(peers)
        expect(openOffers).toBeLessThan(2_000)
      },
    ),
    { seed: 20_260_101, numRuns: 560, endOnFailure: true },
  )
  expect(lab.registry.stats().messages).toBeGreaterThan(100_000)
  // A fuzzer that never gets past the door proves nothing.
  const { answers, offers, candidates, named, refused } = lab.registry.stats()
  const reached = {
    answers,
    near: offers.address,
    far: offers.far,
    candidates,
    named: named.address,
    ...refused,
  }
  const { memberships: _, scrape: __, rate: ___, token: ____, ...must } = reached
  expect(Object.entries(must).filter(([, count]) => count === 0)).toEqual([])

  for (const client of clients) client.close()
  lab.pass(120_000)
  expect(lab.registry.stats()).toMatchObject({ connections: 0, peers: 0, swarms: 0, openOffers: 0 })
})
