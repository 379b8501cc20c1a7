import {
  createTimerClock,
  createTrackerClient,
  type Signaller,
  type SignallerEvents,
} from '@nearcast/peer-core'
import { type ListeningTracker, listenTracker } from '@nearcast/tracker'
import { afterEach, describe, expect, test, vi } from 'vitest'

/** Our client against our tracker, over real sockets. */

const infoHash = 'ab'.repeat(20)
const peerId = (digit: string) => digit.repeat(40)
const offerId = 'offer-id-of-20-chars'

interface Said {
  readonly events: SignallerEvents
  readonly log: string[]
}

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

async function startTracker(options: Parameters<typeof listenTracker>[0] = {}): Promise<ListeningTracker> {
  const tracker = await listenTracker({ port: 0, host: '127.0.0.1', log: () => {}, ...options })
  open.push(tracker)
  return tracker
}

function client(urls: readonly string[], digit: string): { signaller: Signaller; said: Said } {
  const log: string[] = []
  const events: SignallerEvents = {
    onNeighbours: list =>
      log.push(...list.map(({ peer, level, place }) => `neighbour ${peer[0]} ${level} ${place}`)),
    onOffer: ({ from, place, trickle, sdp }) => log.push(`offer ${from[0]} ${sdp} ${place} ${trickle}`),
    onAnswer: ({ from, sdp }) => log.push(`answer ${from[0]} ${sdp}`),
    onCandidate: ({ from, candidate }) => log.push(`candidate ${from[0]} ${candidate}`),
    makeOffers: async () => [],
    onPolicy: policy => log.push(`policy ${JSON.stringify(policy)}`),
    onGroup: ({ level, size }) => log.push(`group ${level} ${size}`),
    onIceServers: servers => log.push(`ice ${servers.map(({ urls }) => urls).join()}`),
    onState: (state, error) => log.push(`state ${state} ${error ?? ''}`.trim()),
  }
  const signaller = createTrackerClient({ urls, infoHash, peerId: peerId(digit), clock: createTimerClock() })
  open.push(signaller)
  signaller.update({ mode: 'share', have: 0, want: 8, outcomes: [] })
  signaller.open(events)
  return { signaller, said: { events, log } }
}

const states = (said: Said) => said.log.filter(line => line.startsWith('state'))

const has = (said: Said, line: string | RegExp) =>
  vi.waitFor(
    () => expect(said.log).toContainEqual(typeof line === 'string' ? line : expect.stringMatching(line)),
    10_000,
  )

describe('two of our clients', () => {
  test('find each other, exchange offer, candidates and answer, and learn group, STUN and policy', async () => {
    const tracker = await startTracker()
    const a = client([tracker.url], 'a')
    await has(a.said, 'state open')
    await has(a.said, 'group address 1')
    await has(a.said, `ice stun:127.0.0.1:${tracker.port}`)
    const b = client([tracker.url], 'b')
    await has(b.said, 'neighbour a address group')
    await has(a.said, 'group address 2')
    b.signaller.offer(peerId('a'), offerId, 'the offer')
    for (const candidate of ['c1', 'c2', 'c3']) b.signaller.candidate(peerId('a'), offerId, candidate)
    await has(a.said, 'offer b the offer group true')
    a.signaller.answer(peerId('b'), offerId, 'the answer')
    a.signaller.candidate(peerId('b'), offerId, 'c4')
    await has(b.said, 'answer a the answer')
    await has(b.said, 'candidate a c4')
    await has(a.said, 'candidate b c3')
    expect(a.said.log.filter(line => line.startsWith('candidate'))).toEqual([
      'candidate b c1',
      'candidate b c2',
      'candidate b c3',
    ])
  })

  test('hear a change of policy at once, and the kill switch, and its end', async () => {
    const { tracker, url } = await startTracker()
    const a = client([url], 'a')
    await has(a.said, 'state open')
    expect(tracker.setSites('site,cidr,mode,wan,uploadKbps\nlab,127.0.0.0/8,leech,deny,800\n').ok).toBe(true)
    await has(a.said, /policy .*"mode":"leech","wan":"deny","uploadKbps":800/)
    tracker.setOverride(null, { mode: 'off' })
    await has(a.said, /policy .*"mode":"off"/)
    await has(a.said, 'state off switched off by the tracker')
    a.signaller.update({ mode: 'off', have: 0, want: 0, outcomes: [] })

    const b = client([url], 'b')
    await has(b.said, 'state off switched off by the tracker')
    // Two who only take would not be introduced.
    tracker.setSites('')
    tracker.setOverride(null, null)
    await vi.waitFor(() => expect(states(a.said).at(-1)).toBe('state open'), 10_000)
    a.signaller.update({ mode: 'share', have: 0, want: 8, outcomes: [] })
    b.signaller.update({ mode: 'share', have: 0, want: 8, outcomes: [] })
    await vi.waitFor(
      () =>
        expect([...a.said.log, ...b.said.log].filter(line => line.startsWith('neighbour'))).toHaveLength(1),
      10_000,
    )
  })

  test('a bad site file changes nothing', async () => {
    const { tracker, url } = await startTracker({ sites: 'site,cidr,mode\nlab,127.0.0.0/8,leech\n' })
    const read = tracker.setSites('site,cidr,mode\nlab,127.0.0.0/8,off\nother,10.0.0.0/8,nonsense\n')
    expect(read).toMatchObject({ ok: false, problems: [{ line: 3 }] })
    const a = client([url], 'a')
    await has(a.said, /policy .*"mode":"leech"/)
  })

  test('come back when the tracker does, and leave it clean', async () => {
    const first = await startTracker()
    const a = client([first.url], 'a')
    await has(a.said, 'state open')
    await first.close()
    await has(a.said, /^state lost/)
    const second = await startTracker({ port: first.port })
    await vi.waitFor(() => expect(second.tracker.stats().peers).toBe(1), 10_000)
    await a.signaller.close()
    await vi.waitFor(() => expect(second.tracker.stats()).toMatchObject({ peers: 0, connections: 0 }), 10_000)
    await a.signaller.close()
  })
})
