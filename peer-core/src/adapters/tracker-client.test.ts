import { describe, expect, test } from 'vitest'
import type { Clock, Signaller } from '../ports.ts'
import { hexToBinary } from '../signalling/binary.ts'
import type { OwnReport } from '../signalling/report.ts'
import type { WebSocketLike } from './tracker-client/web-socket.ts'
import { createTrackerClient } from './tracker-client.ts'

const infoHash = hexToBinary('ab'.repeat(20))
const binary = (digit: string) => hexToBinary(digit.repeat(40))
const hex = (digit: string) => digit.repeat(40)
const offerId = 'twenty-characters-id'

/** A page with a fake network: the test plays the trackers, and time passes when told. */
function createPage(
  urls: readonly string[] = ['ws://one.test'],
  report: (segmentsBefore: number) => OwnReport | null = () => null,
) {
  let now = 0
  let armed: { at: number; fire: () => void } | null = null
  const clock: Clock = {
    now: () => now,
    arm(at, fire) {
      const mine = { at, fire }
      armed = mine
      return () => {
        if (armed === mine) armed = null
      }
    },
  }
  const sockets: FakeSocket[] = []
  const log: string[] = []
  let made = 0
  class PageSocket extends FakeSocket {
    constructor(url: string) {
      super(url)
      sockets.push(this)
    }
  }
  const signaller: Signaller = createTrackerClient({
    urls,
    infoHash: 'ab'.repeat(20),
    peerId: hex('1'),
    clock,
    random: () => 0.5,
    WebSocket: PageSocket,
    report,
  })
  signaller.update({ mode: 'share', have: 0, want: 8, outcomes: [] })
  return {
    signaller,
    sockets,
    log,
    now: () => now,
    open: () =>
      signaller.open({
        onNeighbours: list =>
          log.push(...list.map(({ peer, level, place }) => `neighbour ${peer[0]} ${level} ${place}`)),
        onOffer: ({ from, sdp, place, trickle }) => log.push(`offer ${from[0]} ${sdp} ${place} ${trickle}`),
        onAnswer: ({ from, sdp }) => log.push(`answer ${from[0]} ${sdp}`),
        onCandidate: ({ from, candidate }) => log.push(`candidate ${from[0]} ${candidate}`),
        makeOffers: async count =>
          Array.from({ length: count }, () => ({ offerId: `offer-${made++}`.padEnd(20, '.'), sdp: 'mine' })),
        onPolicy: policy => log.push(`policy ${JSON.stringify(policy)}`),
        onGroup: ({ level, size }) => log.push(`group ${level} ${size}`),
        onIceServers: servers => log.push(`ice ${servers.map(({ urls }) => urls).join()}`),
        onState: (state, error) => log.push(`${state} ${error ?? ''}`.trim()),
      }),
    async pass(ms: number) {
      const end = now + ms
      for (let next = armed; next !== null && next.at <= end; next = armed) {
        armed = null
        now = Math.max(now, next.at)
        next.fire()
        await settle()
      }
      now = end
      await settle()
    },
    /** The newest socket to a URL. */
    to: (url = urls[0]) => {
      const socket = sockets.findLast(candidate => candidate.url === url)
      if (socket === undefined) throw new Error(`nobody connected to ${url}`)
      return socket
    },
  }
}

class FakeSocket implements WebSocketLike {
  readonly url: string
  readyState = 0
  bufferedAmount = 0
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: { readonly data: unknown } & never) => void) | null = null
  onclose: ((event: { readonly code: number; readonly reason: string } & never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  readonly #sent: string[] = []

  constructor(url: string) {
    this.url = url
  }

  send(text: string): void {
    this.#sent.push(text)
  }

  close(): void {
    this.readyState = 3
    this.onclose?.({ code: 1000, reason: '' } as never)
  }

  async accept(): Promise<void> {
    this.readyState = 1
    this.onopen?.({} as never)
    await settle()
  }

  async say(fields: object): Promise<void> {
    await this.sayText(JSON.stringify({ action: 'announce', info_hash: infoHash, ...fields }))
  }

  async sayText(data: unknown): Promise<void> {
    this.onmessage?.({ data } as never)
    await settle()
  }

  drop(code: number, reason = ''): void {
    this.readyState = 3
    this.onclose?.({ code, reason } as never)
  }

  sent(): Record<string, unknown>[] {
    return this.#sent.splice(0).map(text => JSON.parse(text))
  }
}

const settle = async () => {
  for (let i = 0; i < 8; i++) await Promise.resolve()
}

const counts = { complete: 0, incomplete: 2, interval: 100 }

describe('reports', () => {
  /** A viewer that has watched so many segments, each of 1000 bytes. */
  function watching() {
    const viewer = { segments: 0 }
    const page = createPage(['ws://one.test'], before => ({
      ageMs: page.now(),
      node: false,
      edge: 1_000 * viewer.segments,
      group: 0,
      outside: 0,
      uploaded: 0,
      segments: viewer.segments,
      watched: 1_000 * viewer.segments,
      stalls: 0,
      stallMs: 0,
      polluters: 0,
      startMs: 700,
      latencyMs: Math.round(page.now()),
      kbps: 900,
      peering: 'ok',
      fresh: Array.from({ length: viewer.segments - before }, (_, i) => ({ hash: before + i, bytes: 1_000 })),
    }))
    return { page, viewer }
  }
  const reportsIn = (sent: readonly Record<string, unknown>[]) =>
    sent.flatMap(({ nearcast }) => (nearcast as { report?: Record<string, unknown> }).report ?? [])

  test('are sent to no tracker that does not ask', async () => {
    const { page, viewer } = watching()
    page.open()
    await page.to().accept()
    await page.to().say({ ...counts, nearcast: { v: 1 } })
    viewer.segments = 5
    await page.pass(90_000)
    await page.signaller.close()
    expect(reportsIn(page.to().sent())).toEqual([])
  })

  test('come as often as asked while there is something new, each with the segments since the last', async () => {
    const { page, viewer } = watching()
    page.open()
    await page.to().accept()
    await page.to().say({ ...counts, nearcast: { v: 1, reportMs: 10_000 } })
    page.to().sent()
    viewer.segments = 2
    await page.pass(10_001)
    expect(reportsIn(page.to().sent())).toMatchObject([{ segments: 2, fresh: [0, 1_000, 1, 1_000] }])
    viewer.segments = 3
    await page.pass(10_000)
    expect(reportsIn(page.to().sent())).toMatchObject([{ segments: 3, fresh: [2, 1_000] }])
    await page.pass(30_000)
    expect(reportsIn(page.to().sent())).toEqual([])
    await page.to().say({ nearcast: { v: 1, reportMs: 0 } })
    viewer.segments = 9
    await page.pass(30_000)
    expect(reportsIn(page.to().sent())).toEqual([])
  })

  test('come no more often than every five seconds, whatever a tracker wants', async () => {
    const { page, viewer } = watching()
    page.open()
    await page.to().accept()
    await page.to().say({ ...counts, nearcast: { v: 1, reportMs: 1 } })
    page.to().sent()
    for (let i = 0; i < 20; i++) {
      viewer.segments++
      await page.pass(500)
    }
    expect(reportsIn(page.to().sent())).toHaveLength(2)
  })

  test('end with a last one before the goodbye, and begin anew right after a reconnection', async () => {
    const { page, viewer } = watching()
    page.open()
    await page.to().accept()
    await page.to().say({ ...counts, nearcast: { v: 1, reportMs: 10_000 } })
    viewer.segments = 2
    page.to().drop(1006)
    while (page.sockets.length < 2) await page.pass(100)
    await page.to().accept()
    const [again, mark] = page.to().sent()
    expect(again).toMatchObject({ event: 'started' })
    expect(reportsIn([mark!])).toMatchObject([{ segments: 2 }])
    viewer.segments = 3
    await page.signaller.close()
    const [last, goodbye] = page.to().sent()
    expect(reportsIn([last!])).toMatchObject([{ segments: 3, fresh: [2, 1_000] }])
    expect(goodbye).toMatchObject({ event: 'stopped' })
  })
})

describe('with our tracker', () => {
  async function started() {
    const page = createPage()
    page.open()
    await page.to().accept()
    const [first] = page.to().sent()
    await page.to().say({
      ...counts,
      'tracker id': 'token',
      nearcast: { v: 1, group: { label: 'x', level: 'address', size: 2 } },
    })
    return { ...page, first }
  }

  test('announces without offers, with our fields, and again when the interval is over', async () => {
    const page = await started()
    expect(page.first).toMatchObject({
      action: 'announce',
      event: 'started',
      info_hash: infoHash,
      peer_id: binary('1'),
      offers: [],
      nearcast: { v: 1, mode: 'share', neighbours: { have: 0, want: 8 }, caps: ['directed', 'trickle'] },
    })
    expect(page.log).toEqual(['connecting', 'open', 'group address 2'])
    await page.pass(99_000)
    expect(page.to().sent()).toEqual([])
    await page.pass(1_001)
    expect(page.to().sent()).toMatchObject([{ trackerid: 'token', offers: [] }])
  })

  test('places neighbours by level, and carries offers, answers and gathered candidates to them', async () => {
    const page = await started()
    const neighbours = ['site', 'address', 'prefix', 'far'].map((level, i) => ({
      peer_id: binary(String(i + 2)),
      level,
    }))
    await page.to().say({ nearcast: { neighbours } })
    expect(page.log.slice(-4)).toEqual([
      'neighbour 2 site group',
      'neighbour 3 address group',
      'neighbour 4 prefix outside',
      'neighbour 5 far outside',
    ])
    page.signaller.offer(hex('2'), offerId, 'sdp')
    for (let i = 0; i < 20; i++) page.signaller.candidate(hex('2'), offerId, `k${i}`)
    await page.pass(20)
    expect(page.to().sent()).toMatchObject([
      { to_peer_id: binary('2'), offer_id: offerId, offer: { type: 'offer', sdp: 'sdp' } },
      {
        to_peer_id: binary('2'),
        offer_id: offerId,
        nearcast: { candidates: Array.from({ length: 16 }, (_, i) => `k${i}`) },
      },
      { nearcast: { candidates: ['k16', 'k17', 'k18', 'k19'] } },
    ])
    await page
      .to()
      .say({ peer_id: binary('2'), offer_id: offerId, answer: { type: 'answer', sdp: 'theirs' } })
    await page.to().say({ peer_id: binary('2'), offer_id: offerId, nearcast: { candidates: ['a', 'b'] } })
    await page.to().say({
      peer_id: binary('3'),
      offer_id: offerId,
      offer: { type: 'offer', sdp: 'in' },
      nearcast: { level: 'far', trickle: true },
    })
    page.signaller.answer(hex('3'), offerId, 'out')
    expect(page.log.slice(-4)).toEqual([
      'answer 2 theirs',
      'candidate 2 a',
      'candidate 2 b',
      'offer 3 in outside true',
    ])
    expect(page.to().sent()).toMatchObject([
      { to_peer_id: binary('3'), answer: { type: 'answer', sdp: 'out' } },
    ])
  })

  test('a prefix that is the group counts as the group', async () => {
    const page = await started()
    await page.to().say({
      nearcast: {
        group: { label: 'y', level: 'prefix', size: 3 },
        neighbours: [{ peer_id: binary('2'), level: 'prefix' }],
      },
    })
    expect(page.log.slice(-2)).toEqual(['group prefix 3', 'neighbour 2 prefix group'])
  })

  test('reports outcomes with the next announce, and comes early when a link was lost', async () => {
    const page = await started()
    page.signaller.update({
      mode: 'share',
      have: 2,
      want: 6,
      outcomes: [{ peer: hex('2'), ok: true, ms: 80.4, pair: 'host-host' }],
    })
    await page.pass(20_000)
    expect(page.to().sent()).toEqual([])
    page.signaller.update({ mode: 'share', have: 1, want: 7, outcomes: [] })
    await page.pass(5_000)
    expect(page.to().sent()).toMatchObject([
      {
        nearcast: {
          neighbours: { have: 1, want: 7 },
          outcomes: [{ peer: binary('2'), ok: true, ms: 80, pair: 'host-host' }],
        },
      },
    ])
  })

  test('asks early for others when nobody who was named could be reached, and waits while somebody was', async () => {
    const page = await started()
    const failed = [{ peer: hex('2'), ok: false, ms: 10_000, pair: '' }]
    page.signaller.update({ mode: 'share', have: 0, want: 8, outcomes: failed })
    await page.pass(5_000)
    expect(page.to().sent()).toMatchObject([{ nearcast: { neighbours: { have: 0, want: 8 } } }])
    page.signaller.update({ mode: 'share', have: 1, want: 7, outcomes: failed })
    await page.pass(5_000)
    expect(page.to().sent()).toEqual([])
  })

  test('switched off by policy it stays connected and quiet, and returns when switched on', async () => {
    const page = await started()
    await page.to().say({ nearcast: { policy: { mode: 'off', wan: 'deny' } } })
    expect(page.log.slice(-2)).toEqual([
      'policy {"mode":"off","wan":"deny"}',
      'off switched off by the tracker',
    ])
    page.signaller.update({ mode: 'off', have: 0, want: 0, outcomes: [] })
    await page.pass(10_000)
    expect(page.to().sent()).toEqual([])
    await page.to().say({ nearcast: { policy: { mode: 'share', wan: 'allow' } } })
    page.signaller.update({ mode: 'share', have: 0, want: 8, outcomes: [] })
    expect(page.log.at(-1)).toBe('open')
    await page.pass(2_000)
    expect(page.to().sent()).toMatchObject([{ nearcast: { mode: 'share' } }])
  })

  test('switched off by the site owner it leaves, and comes back when switched on', async () => {
    const page = await started()
    page.signaller.update({ mode: 'off', have: 0, want: 0, outcomes: [] })
    expect(page.to().sent()).toMatchObject([{ event: 'stopped', trackerid: 'token' }])
    expect(page.to().readyState).toBe(3)
    expect(page.log.at(-1)).toBe('off')
    await page.pass(600_000)
    expect(page.sockets).toHaveLength(1)
    page.signaller.update({ mode: 'share', have: 0, want: 8, outcomes: [] })
    expect(page.sockets).toHaveLength(2)
    await page.to().accept()
    expect(page.to().sent()).toMatchObject([{ event: 'started' }])
  })

  describe('asked to move', () => {
    const neighbour = { neighbours: [{ peer_id: binary('2'), level: 'site' }] }

    /** Asked to move in three seconds; `old` serves until then. */
    async function moving() {
      const page = await started()
      const old = page.to()
      await old.say({ ...counts, nearcast: { ...neighbour, reconnect: { afterMs: 3_000 } } })
      page.log.length = 0
      old.sent()
      return { page, old }
    }

    test('announces on a new socket before it leaves the old one, and nobody hears of it', async () => {
      const { page, old } = await moving()
      await page.pass(2_900)
      expect(page.sockets).toHaveLength(1)
      await page.pass(1_100)
      expect(page.sockets).toHaveLength(2)
      expect(old.readyState).toBe(1)
      await page.to().accept()
      expect(page.to().sent()).toMatchObject([{ event: 'started', trackerid: 'token' }])
      // Not answered yet: the old one is in use.
      page.signaller.offer(hex('2'), offerId, 'sdp')
      expect(old.sent()).toMatchObject([{ offer_id: offerId }])
      await page.to().say({ ...counts, 'tracker id': 'other', nearcast: {} })
      await page.pass(2_900)
      expect(old.readyState).toBe(1)
      await page.pass(200)
      expect(old.readyState).toBe(3)
      // No farewell: where both lead to one tracker it would be the new socket's.
      expect(old.sent()).toEqual([])
      expect(page.log).toEqual([])
      await page.pass(97_500)
      expect(page.to().sent()).toMatchObject([{ trackerid: 'other' }])
      expect(page.sockets).toHaveLength(2)
    })

    test('handshakes end through the socket where they began; new ones take the new socket', async () => {
      const { page, old } = await moving()
      await old.say({ peer_id: binary('2'), offer_id: offerId, offer: { type: 'offer', sdp: 'in' } })
      await page.pass(4_000)
      await page.to().accept()
      await page.to().say({ ...counts, nearcast: neighbour })
      page.to().sent()
      page.signaller.answer(hex('2'), offerId, 'out')
      page.signaller.candidate(hex('2'), offerId, 'mine')
      await page.pass(20)
      expect(old.sent()).toMatchObject([{ answer: { sdp: 'out' } }, { nearcast: { candidates: ['mine'] } }])
      page.log.length = 0
      await old.say({ peer_id: binary('2'), offer_id: offerId, nearcast: { candidates: ['theirs'] } })
      expect(page.log).toEqual(['candidate 2 theirs'])
      page.signaller.offer(hex('2'), 'another-offer-of-min', 'sdp')
      expect(page.to().sent()).toMatchObject([{ offer_id: 'another-offer-of-min' }])
      // Whatever else the old tracker says is out of date.
      await old.say({ ...counts, nearcast: { policy: { mode: 'off' } } })
      await old.say({ 'failure reason': 'no' })
      expect(page.log).toEqual(['candidate 2 theirs'])
    })

    test.each([
      ['is refused', (socket: FakeSocket) => socket.drop(1006)],
      [
        'is told no',
        async (socket: FakeSocket) => {
          await socket.accept()
          await socket.say({ 'failure reason': 'full' })
        },
      ],
      ['hears nothing', (socket: FakeSocket) => socket.accept()],
    ])('stays where it is when the new socket %s, and tries again', async (_, fail) => {
      const { page, old } = await moving()
      await page.pass(4_000)
      await fail(page.to())
      await page.pass(12_000)
      expect(old.readyState).toBe(1)
      expect(page.sockets.length).toBeGreaterThanOrEqual(3)
      expect(page.log).toEqual([])
      await page.to().accept()
      await page.to().say({ ...counts, nearcast: {} })
      await page.pass(4_000)
      expect(old.readyState).toBe(3)
      expect(page.log).toEqual([])
    })

    test('takes the new socket at once when the old one ends before it was answered', async () => {
      const { page, old } = await moving()
      await page.pass(4_000)
      await page.to().accept()
      old.drop(1012)
      await page.to().say({ ...counts, nearcast: {} })
      expect(page.log).toEqual(['lost no connection to ws://one.test', 'open'])
      await page.pass(60_000)
      expect(page.sockets).toHaveLength(2)
      expect(page.to().readyState).toBe(1)
    })

    test('a move that was planned ends with the socket, and with the client', async () => {
      const { page, old } = await moving()
      old.drop(1012)
      await page.pass(3_100)
      expect(page.sockets).toHaveLength(2)
      await page.pass(2_000)
      expect(page.sockets).toHaveLength(2)
      const second = await moving()
      await second.page.pass(4_000)
      await second.page.to().accept()
      void second.page.signaller.close()
      expect(second.page.sockets.map(({ readyState }) => readyState)).toEqual([3, 3])
      await second.page.pass(60_000)
      expect(second.page.sockets).toHaveLength(2)
    })
  })

  test('closing says goodbye, and may be repeated', async () => {
    const page = await started()
    await page.signaller.close()
    await page.signaller.close()
    expect(page.to().sent()).toMatchObject([{ event: 'stopped' }])
    expect(page.to().readyState).toBe(3)
    await page.pass(600_000)
    expect(page.sockets).toHaveLength(1)
  })
})

describe('with a standard tracker', () => {
  test('makes complete offers as soon as it knows, and at every interval', async () => {
    const page = createPage()
    page.open()
    await page.to().accept()
    page.to().sent()
    await page.to().say(counts)
    const [second] = page.to().sent()
    expect(second).toMatchObject({ numwant: 5 })
    expect(second?.['offers']).toHaveLength(5)
    await page.to().say(counts)
    expect(page.to().sent()).toEqual([])
    page.signaller.update({ mode: 'share', have: 6, want: 2, outcomes: [] })
    await page.pass(100_001)
    expect(page.to().sent()[0]?.['offers']).toHaveLength(2)
    await page.to().say({
      peer_id: binary('2'),
      offer_id: 'offer-0'.padEnd(20, '.'),
      answer: { type: 'answer', sdp: 'theirs' },
    })
    await page.to().say({ peer_id: binary('3'), offer_id: offerId, offer: { type: 'offer', sdp: 'in' } })
    expect(page.log.slice(-2)).toEqual(['answer 2 theirs', 'offer 3 in group false'])
  })
})

describe('trouble', () => {
  test('a tracker that cannot be reached is tried again, ever more rarely', async () => {
    const page = createPage()
    page.open()
    const attempts: number[] = []
    for (let i = 0; i < 8; i++) {
      page.to().drop(1006)
      const before = page.sockets.length
      const from = page.now()
      while (page.sockets.length === before) await page.pass(500)
      attempts.push(page.now() - from)
    }
    expect(attempts).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    expect(page.log).toEqual(['connecting', 'lost no connection to ws://one.test'])
  })

  test('an address that never answers, and a tracker that never answers, are given up', async () => {
    const page = createPage()
    page.open()
    await page.pass(10_001)
    expect(page.log.at(-1)).toMatch(/^lost/)
    await page.pass(1_000)
    await page.to().accept()
    await page.pass(15_001)
    expect(page.to().readyState).toBe(3)
    await page.pass(2_500)
    expect(page.sockets).toHaveLength(3)
  })

  test.each([
    [
      'a failure reason',
      (socket: FakeSocket) => socket.say({ 'failure reason': 'no token' }),
      'refused no token',
    ],
    ['close code 1008', async (socket: FakeSocket) => socket.drop(1008, 'not you'), 'refused not you'],
    [
      'status 401',
      async (socket: FakeSocket) => {
        socket.onerror?.({ message: 'Unexpected server response: 401' } as never)
        socket.drop(1006)
      },
      'refused the tracker answers 401',
    ],
  ])('%s is a refusal, and is asked again only minutes later', async (_, act, state) => {
    const page = createPage()
    page.open()
    await page.to().accept()
    await act(page.to())
    expect(page.log.at(-1)).toBe(state)
    await page.pass(60_000)
    expect(page.sockets).toHaveLength(1)
    await page.pass(60_001)
    expect(page.sockets).toHaveLength(2)
  })

  test('a failure of one announce later on is only mentioned', async () => {
    const page = createPage()
    page.open()
    await page.to().accept()
    await page.to().say({ ...counts, nearcast: { v: 1 } })
    await page.to().say({ 'failure reason': 'too fast' })
    expect(page.log.at(-1)).toBe('open too fast')
    expect(page.to().readyState).toBe(1)
  })

  test('nothing a hostile tracker says gets through', async () => {
    const page = createPage()
    page.open()
    await page.to().accept()
    await page.to().say({ ...counts, interval: 1e9, nearcast: { v: 1 } })
    page.to().sent()
    const before = page.log.length
    for (const data of [
      '',
      'null',
      '[]',
      '{"action":"announce"}',
      '['.repeat(100_000),
      new ArrayBuffer(8),
      'x'.repeat(1 << 20),
    ]) {
      await page.to().sayText(data)
    }
    await page.to().say({
      info_hash: binary('9'),
      peer_id: binary('2'),
      offer_id: offerId,
      offer: { type: 'offer', sdp: 'x' },
    })
    await page.to().say({ peer_id: binary('1'), offer_id: offerId, offer: { type: 'offer', sdp: 'our own' } })
    await page
      .to()
      .say({ nearcast: { ice: { urls: ['turn:evil'] }, policy: { mode: 'on' }, neighbours: [null] } })
    expect(page.log.slice(before)).toEqual([])
    for (let i = 0; i < 500; i++) {
      await page
        .to()
        .say({ peer_id: binary('2'), offer_id: `${i}`.padEnd(20, '.'), offer: { type: 'offer', sdp: 'x' } })
    }
    expect(page.log.filter(line => line.startsWith('offer'))).toHaveLength(60)
    await page.pass(3_600_001)
    expect(page.to().sent().length).toBeGreaterThan(0)
  })

  test('a hostile interval cannot make us announce in a tight loop', async () => {
    const page = createPage()
    page.open()
    await page.to().accept()
    for (let i = 0; i < 100; i++) {
      await page.to().say({ ...counts, interval: 0.001, nearcast: { v: 1 } })
      await page.pass(100)
    }
    expect(page.to().sent().length).toBeLessThanOrEqual(3)
  })

  test('a URL that no WebSocket takes is a refusal', () => {
    const page = createTrackerClient({
      urls: ['not a url'],
      infoHash: 'ab'.repeat(20),
      peerId: hex('1'),
      clock: { now: () => 0, arm: () => () => {} },
      WebSocket: class {
        constructor() {
          throw new SyntaxError('bad URL')
        }
      } as never,
    })
    const states: string[] = []
    page.open({ onState: (state: string, error: string | null) => states.push(`${state} ${error}`) } as never)
    expect(states).toEqual(['connecting null', 'refused bad URL'])
  })
})

describe('several trackers', () => {
  test('when one that worked is lost the others are told at once: of machines of one cluster only the last asked counts us', async () => {
    const page = createPage(['ws://one.test', 'ws://two.test'])
    page.open()
    for (const url of ['ws://one.test', 'ws://two.test']) {
      await page.to(url).accept()
      await page.to(url).say({ ...counts, nearcast: { v: 1 } })
    }
    await page.pass(5_000)
    page.to('ws://two.test').sent()
    page.to('ws://one.test').drop(1006)
    await page.pass(1_000)
    expect(page.to('ws://two.test').sent()).toMatchObject([
      { action: 'announce', numwant: expect.any(Number) },
    ])
    // Not again with every vain try to reach it.
    page.to('ws://one.test').drop(1006)
    await page.pass(10_000)
    expect(page.to('ws://two.test').sent()).toEqual([])
  })

  test('one that works is enough; answers go back where the offer came from, offers where the peer was named', async () => {
    const page = createPage(['ws://one.test', 'ws://two.test'])
    page.open()
    page.to('ws://one.test').drop(1006)
    await page.to('ws://two.test').accept()
    await page
      .to('ws://two.test')
      .say({ ...counts, nearcast: { v: 1, neighbours: [{ peer_id: binary('2'), level: 'far' }] } })
    expect(page.log).toEqual(['connecting', 'open', 'neighbour 2 far outside'])
    await page.pass(1_001)
    await page.to('ws://one.test').accept()
    await page.to('ws://one.test').say({ ...counts, nearcast: { v: 1 } })
    await page
      .to('ws://one.test')
      .say({ peer_id: binary('3'), offer_id: offerId, offer: { type: 'offer', sdp: 'in' } })
    page.to('ws://one.test').sent()
    page.to('ws://two.test').sent()
    page.signaller.offer(hex('2'), 'my-own-offer-number1', 'sdp')
    page.signaller.answer(hex('3'), offerId, 'sdp')
    expect(page.to('ws://two.test').sent()).toMatchObject([{ to_peer_id: binary('2') }])
    expect(page.to('ws://one.test').sent()).toMatchObject([{ to_peer_id: binary('3') }])
    page.to('ws://two.test').drop(1006)
    expect(page.log.at(-1)).not.toMatch(/^lost/)
    page.to('ws://one.test').drop(1006)
    expect(page.log.at(-1)).toMatch(/^lost/)
  })
})
