import { afterEach, describe, expect, it } from 'vitest'
import type { Transport } from './adapters/transport/connection.ts'
import { createMemoryNetwork } from './adapters/transport/memory.ts'
import type { Place } from './core/events.ts'
import type { Mode } from './core/messages.ts'
import { createMesh, type MeshOptions } from './mesh.ts'
import type { Clock, DialOutcome, Link, Mesh, MeshState, Signaller, SignallerEvents } from './ports.ts'

const id = (digit: string) => digit.repeat(40)
const [a, b, c] = [id('a'), id('b'), id('c')]

/** Time moves when the test says so. */
function createTestClock(): Clock & { advance(ms: number): void } {
  let now = 0
  let armed: { at: number; fire: () => void } | null = null
  return {
    now: () => now,
    arm(at, fire) {
      const mine = { at, fire }
      armed = mine
      return () => {
        if (armed === mine) armed = null
      }
    },
    advance(ms) {
      const end = now + ms
      while (armed && armed.at <= end) {
        const { at, fire } = armed
        armed = null
        now = Math.max(now, at)
        fire()
      }
      now = end
    },
  }
}

interface Hub {
  readonly members: Map<string, SignallerEvents>
  /** Messages `from to type` that passed. */
  readonly log: string[]
  /** Loses what it says true to. */
  lose: (from: string, to: string, type: 'offer' | 'answer' | 'candidate') => boolean
  place: Place
}

/** A tracker that carries directed messages in order, a turn of the event loop later. */
function createHub(): Hub {
  return { members: new Map(), log: [], lose: () => false, place: 'group' }
}

interface TestSignaller extends Signaller {
  status: { mode: Mode; have: number; want: number } | null
  readonly outcomes: DialOutcome[]
  closed: boolean
}

function createTestSignaller(hub: Hub, self: string): TestSignaller {
  const carry = (
    to: string,
    type: 'offer' | 'answer' | 'candidate',
    act: (events: SignallerEvents) => void,
  ) => {
    if (hub.lose(self, to, type)) return
    hub.log.push(`${self[0]} ${to[0]} ${type}`)
    const events = hub.members.get(to)
    setTimeout(() => events && act(events), 0)
  }
  return {
    status: null,
    outcomes: [],
    closed: false,
    open(events) {
      hub.members.set(self, events)
    },
    offer: (to, offerId, sdp) =>
      carry(to, 'offer', events =>
        events.onOffer({ from: self, offerId, sdp, place: hub.place, trickle: true }),
      ),
    answer: (to, offerId, sdp) =>
      carry(to, 'answer', events => events.onAnswer({ from: self, offerId, sdp })),
    candidate: (to, offerId, candidate) =>
      carry(to, 'candidate', events => events.onCandidate({ from: self, offerId, candidate })),
    update(status) {
      this.status = status
      this.outcomes.push(...status.outcomes)
    },
    async close() {
      this.closed = true
    },
  }
}

interface Member {
  readonly mesh: Mesh
  readonly signaller: TestSignaller
  /** Open links, by peer's first digit. */
  readonly links: Map<string, Link>
  /** `join b`, `end b reason`. */
  readonly story: string[]
  readonly events: SignallerEvents
  state(): MeshState
}

const meshes: Mesh[] = []
afterEach(async () => {
  for (const mesh of meshes.splice(0)) await mesh.close()
})

function join(
  hub: Hub,
  self: string,
  transport: Transport,
  clock: Clock,
  options: Partial<MeshOptions> = {},
): Member {
  const signaller = createTestSignaller(hub, self)
  const links = new Map<string, Link>()
  const story: string[] = []
  const mesh = createMesh({
    self,
    infoHash: id('0'),
    signaller,
    transport,
    clock,
    random: () => 0.5,
    dialGapMs: 0,
    ...options,
  })
  meshes.push(mesh)
  mesh.open({
    onLink(link, _hello, place) {
      const name = link.peer[0]!
      links.set(name, link)
      story.push(`join ${name}${place === 'outside' ? ' outside' : ''}`)
      link.listen({
        onMessage: () => {},
        onDrained: () => {},
        onClose(reason) {
          if (links.get(name) === link) links.delete(name)
          story.push(`end ${name} ${reason}`)
        },
      })
    },
    onPolicy: () => {},
    onState: () => {},
  })
  return { mesh, signaller, links, story, events: hub.members.get(self)!, state: () => mesh.state() }
}

const neighbour = (peer: string, place: Place = 'group') => ({
  peer,
  level: place === 'group' ? 'site' : 'far',
  place,
})
/** Turns of the event loop, not time: a busy machine has as many of them. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise(resolve => setTimeout(resolve, 1))
}

/** A network where answers never lead to a path. */
function deaf(transport: Transport): Transport {
  return {
    available: () => true,
    connect(options, signals) {
      const connection = transport.connect(options, signals)
      const describe = connection.describe.bind(connection)
      connection.describe = (type, sdp) => {
        if (type === 'offer') describe(type, sdp)
      }
      return connection
    },
  }
}

describe('the mesh', () => {
  it('dials the neighbours that the tracker names and reports how it went', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    const two = join(hub, b, network.transport(), clock)
    one.events.onNeighbours([neighbour(b)])
    await settle()
    expect(one.story).toEqual(['join b'])
    expect(two.story).toEqual(['join a'])
    expect(one.state().dials).toMatchObject({ started: 1, open: 1, iceFailed: 0 })
    expect(one.signaller.outcomes).toEqual([{ peer: b, ok: true, ms: 0, pair: 'host-host' }])
    expect(one.signaller.status).toMatchObject({ mode: 'share', have: 1, want: 47 })
    expect(one.state().candidates).toEqual(['host'])
  })

  it('makes one connection when both dial at once: the lower id keeps its offer', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    const two = join(hub, b, network.transport(), clock)
    one.events.onNeighbours([neighbour(b)])
    two.events.onNeighbours([neighbour(a)])
    await settle()
    expect(one.story).toEqual(['join b'])
    expect(two.story).toEqual(['join a'])
    expect(hub.log.filter(line => line.endsWith('answer'))).toEqual(['b a answer'])
    expect(two.state().dials).toMatchObject({ iceFailed: 0, noAnswer: 0 })
  })

  it('keeps one of two connections that crossed as speculative offers, the same on both sides', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    const two = join(hub, b, network.transport(), clock)
    const [fromOne] = await one.events.makeOffers(1)
    const [fromTwo] = await two.events.makeOffers(1)
    two.events.onOffer({ from: a, ...fromOne!, place: 'group', trickle: false })
    one.events.onOffer({ from: b, ...fromTwo!, place: 'group', trickle: false })
    await settle()
    expect([...one.links.keys()]).toEqual(['b'])
    expect([...two.links.keys()]).toEqual(['a'])
    // Alive on both sides: what one says the other hears.
    const heard: string[] = []
    two.links
      .get('a')!
      .listen({ onMessage: message => heard.push(message.type), onDrained: () => {}, onClose: () => {} })
    one.links.get('b')!.send({ type: 'ping', id: 1 })
    await settle()
    expect(heard).toEqual(['ping'])
  })

  it('forgets speculative offers after fifty seconds and makes no more than ten', async () => {
    const hub = createHub()
    const clock = createTestClock()
    const one = join(hub, a, createMemoryNetwork().transport(), clock)
    const first = await one.events.makeOffers(8)
    expect(first).toHaveLength(8)
    expect(await one.events.makeOffers(8)).toHaveLength(2)
    expect(await one.events.makeOffers(8)).toHaveLength(0)
    clock.advance(50_001)
    await settle()
    expect(await one.events.makeOffers(8)).toHaveLength(8)
    // Nobody was dialled.
    expect(one.state().dials).toMatchObject({ started: 0, noAnswer: 0 })
  })

  it('tells silence from a path that failed', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, deaf(network.transport()), clock)
    join(hub, b, network.transport(), clock)
    one.events.onNeighbours([neighbour(b), neighbour(c)])
    await settle()
    clock.advance(10_001)
    await settle()
    expect(one.state().dials).toMatchObject({ started: 2, open: 0, iceFailed: 1, noAnswer: 1 })
    expect(one.signaller.outcomes).toMatchObject([
      { peer: b, ok: false },
      { peer: c, ok: false },
    ])
  })

  it('stops dialling a network where every pair fails, and probes with one dial', async () => {
    const hub = createHub()
    const clock = createTestClock()
    const one = join(hub, a, createMemoryNetwork().transport(), clock)
    one.events.onNeighbours([...'bcdefg'].map(digit => neighbour(id(digit))))
    await settle()
    clock.advance(10_001)
    expect(one.state().dials).toMatchObject({ started: 6, noAnswer: 6 })
    clock.advance(29_000)
    expect(one.state().dials.started).toBe(6)
    clock.advance(2_000)
    expect(one.state().dials.started).toBe(7)
    clock.advance(60_000)
    expect(one.state().dials.started).toBe(7)
  })

  it('goes on dialling whatever offers strangers send: only its own dials tell of the network', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    join(hub, b, network.transport(), clock)
    for (const digit of 'cdef0123456789') {
      const offerId = digit.repeat(20)
      one.events.onOffer({ from: id(digit), offerId, sdp: 'bogus', place: 'group', trickle: true })
    }
    await settle()
    clock.advance(10_001)
    await settle()
    expect(one.story).toEqual([])
    one.events.onNeighbours([neighbour(b)])
    await settle()
    expect(one.story).toEqual(['join b'])
  })

  it('dials one neighbour after the other, so that a page does not stand still', async () => {
    const hub = createHub()
    const clock = createTestClock()
    const one = join(hub, a, createMemoryNetwork().transport(), clock, { dialGapMs: 20 })
    one.events.onNeighbours([...'bcd'].map(digit => neighbour(id(digit))))
    expect(one.state().dials.started).toBe(1)
    clock.advance(19)
    one.events.onNeighbours([neighbour(id('e'))])
    expect(one.state().dials.started).toBe(1)
    clock.advance(1)
    expect(one.state().dials.started).toBe(2)
    clock.advance(40)
    expect(one.state().dials.started).toBe(4)
  })

  it('dials nobody and answers nobody while it rests, and makes up for both afterwards', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    const two = join(hub, b, network.transport(), createTestClock())
    one.mesh.rest(250)
    one.events.onNeighbours([neighbour(id('c'))])
    two.events.onNeighbours([neighbour(a)])
    await settle()
    expect(one.state().dials.started).toBe(0)
    expect(one.story).toEqual([])
    clock.advance(250)
    await settle()
    expect(one.story).toEqual(['join b'])
    expect(one.state().dials.started).toBe(2)
  })

  it('wakes also when its rest ends between two readings of the clock', async () => {
    // The timer may fire a moment early, and then the end comes while the mesh decides: tried with all that it reads.
    for (let reading = 0; reading < 12; reading++) {
      const clock = createTestClock()
      let readings = Number.NEGATIVE_INFINITY
      const passing: Clock = {
        arm: clock.arm,
        now() {
          if (readings++ === reading) clock.advance(1)
          return clock.now()
        },
      }
      const one = join(createHub(), a, createMemoryNetwork().transport(), passing)
      one.mesh.rest(250)
      clock.advance(249)
      readings = 0
      one.events.onNeighbours([neighbour(b)])
      clock.advance(1_000)
      expect(one.state().dials.started, `at reading ${reading}`).toBeGreaterThan(0)
    }
  })

  it('dials a lost neighbour again', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    const two = join(hub, b, network.transport(), clock)
    one.events.onNeighbours([neighbour(b)])
    await settle()
    two.links.get('a')!.close('gone')
    await settle()
    expect(one.story).toEqual(['join b', 'end b remote-closed'])
    clock.advance(1_000)
    await settle()
    expect(one.story).toEqual(['join b', 'end b remote-closed', 'join b'])
  })

  it('replaces a link that the other side no longer has', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    join(hub, b, network.transport(), clock)
    one.events.onNeighbours([neighbour(b)])
    await settle()
    // The same peer id again, as after a lost path that only the other side has noticed.
    const again = join(hub, b, network.transport(), clock)
    again.events.onNeighbours([neighbour(a)])
    await settle()
    expect(one.story).toEqual(['join b', 'end b duplicate', 'join b'])
    expect([...again.links.keys()]).toEqual(['a'])
  })

  it('never links a banned peer again, whoever asks', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    const two = join(hub, b, network.transport(), clock)
    one.events.onNeighbours([neighbour(b)])
    await settle()
    one.mesh.ban(b)
    await settle()
    expect(one.story).toEqual(['join b', 'end b banned'])
    two.events.onNeighbours([neighbour(a)])
    one.events.onNeighbours([neighbour(b)])
    clock.advance(60_000)
    await settle()
    expect(one.links.size).toBe(0)
  })

  it('stays within its caps, inside and outside the group', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock, { groupLinks: 2, outsideLinks: 1 })
    for (const digit of 'bcdef') join(hub, id(digit), network.transport(), clock)
    one.events.onNeighbours([
      neighbour(id('e'), 'outside'),
      neighbour(id('f'), 'outside'),
      ...[b, c, id('d')].map(peer => neighbour(peer)),
    ])
    await settle()
    expect([...one.links.keys()].sort()).toEqual(['b', 'c', 'e'])
    expect(one.story.filter(line => line.endsWith('outside'))).toEqual(['join e outside'])
  })

  it('leaves the group only where the policy allows it', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    for (const digit of 'bc') join(hub, id(digit), network.transport(), clock)
    one.events.onNeighbours([neighbour(b), neighbour(c, 'outside')])
    await settle()
    expect([...one.links.keys()].sort()).toEqual(['b', 'c'])
    one.events.onPolicy({ wan: 'deny' })
    await settle()
    expect([...one.links.keys()]).toEqual(['b'])
    expect(await one.events.makeOffers(5)).toEqual([])
    clock.advance(60_000)
    await settle()
    expect([...one.links.keys()]).toEqual(['b'])
  })

  it('takes back the offers that are out to anybody when the policy keeps it inside', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const one = join(hub, a, network.transport(), createTestClock())
    const two = join(hub, b, network.transport(), createTestClock())
    const [offer] = await one.events.makeOffers(1)
    one.events.onPolicy({ wan: 'deny' })
    two.events.onOffer({ from: a, ...offer!, place: 'outside', trickle: false })
    await settle()
    expect(one.story).toEqual([])
    one.events.onPolicy({ wan: 'allow' })
    expect(await one.events.makeOffers(10)).toHaveLength(10)
  })

  it('keeps its links when the tracker dies', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    join(hub, b, network.transport(), clock)
    one.events.onNeighbours([neighbour(b)])
    await settle()
    one.events.onState('lost', 'socket closed')
    hub.members.clear()
    clock.advance(120_000)
    await settle()
    expect(one.links.size).toBe(1)
    expect(one.state()).toMatchObject({ tracker: 'lost', trackerError: 'socket closed' })
  })

  it('closes everything when switched off, and comes back', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    join(hub, b, network.transport(), clock)
    one.events.onNeighbours([neighbour(b)])
    await settle()
    one.mesh.setMode('off')
    await settle()
    expect(one.links.size).toBe(0)
    expect(one.signaller.status).toMatchObject({ mode: 'off', want: 0 })
    one.mesh.setMode('share')
    clock.advance(1_000)
    await settle()
    expect(one.links.size).toBe(1)
  })

  it('says that WebRTC is missing and asks no tracker', async () => {
    const hub = createHub()
    const transport: Transport = { ...createMemoryNetwork().transport(), available: () => false }
    const one = join(hub, a, transport, createTestClock())
    expect(hub.members.size).toBe(0)
    expect(one.state()).toMatchObject({ webrtc: false, tracker: 'off' })
    await one.mesh.close()
    await one.mesh.close()
  })

  it('ignores answers and candidates of peers it did not ask', async () => {
    const hub = createHub()
    const network = createMemoryNetwork()
    const clock = createTestClock()
    const one = join(hub, a, network.transport(), clock)
    hub.lose = (_from, to) => to === b
    const offers: string[] = []
    const offer = one.signaller.offer
    one.signaller.offer = (to, offerId, sdp) => {
      offers.push(offerId)
      offer(to, offerId, sdp)
    }
    one.events.onNeighbours([neighbour(b)])
    await settle()
    one.events.onAnswer({ from: c, offerId: offers[0]!, sdp: 'memory 0' })
    one.events.onCandidate({ from: c, offerId: offers[0]!, candidate: '{}' })
    one.events.onAnswer({ from: b, offerId: 'no such offer', sdp: 'memory 0' })
    await settle()
    expect(one.links.size).toBe(0)
    clock.advance(10_001)
    expect(one.state().dials).toMatchObject({ noAnswer: 1, protocolError: 0 })
  })
})
