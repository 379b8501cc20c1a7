import { createTimerClock, createTrackerClient, type Signaller } from '@nearcast/peer-core'
import { hexToBinary } from '@nearcast/peer-core/signalling'
import { afterAll, expect, test, vi } from 'vitest'
import { type Balancer, startBalancer } from './drain/balancer.ts'
import { LightViewer } from './drain/light-viewer.ts'
import { metric, startTracker, type TrackerProcess } from './tracker-process.ts'

/** A rolling restart as operators do it: two processes behind a balancer, one drained and replaced after the other. */

const viewerCount = 2_000
const swarmSize = 10
const checkMs = 100
const drainFlags = [
  ...['--drain-notice-ms', '500', '--drain-spread-ms', '2500'],
  // A busy machine may take its time; the drain ends as soon as everybody has left.
  ...['--drain-grace-ms', '60000', '--drain-total-ms', '90000'],
]

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(): Promise<TrackerProcess> {
  const tracker = await startTracker(...drainFlags)
  cleanups.push(() => tracker.child.kill('SIGKILL'))
  return tracker
}

const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 60_000, interval: 50 })
const hex = (n: number) => n.toString(16).padStart(40, '0')

/** The real client, as a player has it; what it says of its state, in order. */
function realViewer(url: string, n: number): { readonly states: string[]; readonly signaller: Signaller } {
  const states: string[] = []
  const signaller = createTrackerClient({
    urls: [url],
    infoHash: 'cd'.repeat(20),
    peerId: hex(0x10_00_00 + n),
    clock: createTimerClock(),
  })
  cleanups.push(() => signaller.close())
  signaller.update({ mode: 'share', have: 0, want: 8, outcomes: [] })
  signaller.open({
    onNeighbours: () => {},
    onOffer: () => {},
    onAnswer: () => {},
    onCandidate: () => {},
    makeOffers: async () => [],
    onPolicy: () => {},
    onGroup: () => {},
    onIceServers: () => {},
    onState: state => states.push(state),
  })
  return { states, signaller }
}

/** Sends SIGTERM and watches `/metrics` until the process has ended. Returns the last that was read. */
async function drained(tracker: TrackerProcess): Promise<string> {
  let last = ''
  let state: 'running' | 'ended' = 'running'
  tracker.child.kill('SIGTERM')
  void tracker.exit.then(() => {
    state = 'ended'
  })
  while (state === 'running') {
    last = (await tracker.metrics()) ?? last
    await new Promise(resolve => setTimeout(resolve, 250))
  }
  expect(await tracker.exit).toBe(0)
  return last
}

async function replace(
  balancer: Balancer,
  old: TrackerProcess,
): Promise<{ before: string; fresh: TrackerProcess }> {
  const before = await drained(old)
  balancer.remove(old.port)
  const fresh = await start()
  balancer.add(fresh.port)
  await soon(() => expect(balancer.isReady(fresh.port)).toBe(true))
  return { before, fresh }
}

test('two trackers are restarted under 2,000 viewers, and no announce fails', async () => {
  const balancer = await startBalancer(checkMs)
  cleanups.push(() => balancer.close())
  const first = await start()
  const second = await start()
  for (const { port } of [first, second]) balancer.add(port)
  await soon(() => expect([first, second].map(({ port }) => balancer.isReady(port))).toEqual([true, true]))

  const url = `ws://127.0.0.1:${balancer.port}`
  const viewers: LightViewer[] = []
  cleanups.push(() => {
    for (const viewer of viewers) viewer.close()
  })
  for (let n = 0; n < viewerCount; n++) {
    const ids = { infoHash: hexToBinary(hex(Math.floor(n / swarmSize))), peerId: hexToBinary(hex(n + 1)) }
    viewers.push(new LightViewer(url, ids, 3_000))
    if (n % 50 === 49) await new Promise(resolve => setTimeout(resolve, 20))
  }
  const real = Array.from({ length: 5 }, (_, n) => realViewer(url, n))
  await soon(() => expect(viewers.filter(({ isHere }) => !isHere)).toHaveLength(0))
  await soon(() => expect(real.map(({ states }) => states.at(-1))).toEqual(Array(5).fill('open')))
  // The balancer spread them.
  const spread = await Promise.all(
    [first, second].map(async tracker => metric(await tracker.metrics(), 'nearcast_connections')),
  )
  expect(spread.reduce((sum, n) => sum + n)).toBe(viewerCount + real.length)
  for (const share of spread) expect(share).toBeGreaterThan(viewerCount / 3)

  const one = await replace(balancer, first)
  const two = await replace(balancer, second)

  // No viewer and no client noticed anything.
  expect(viewers.flatMap(({ failures }) => failures)).toEqual([])
  expect(viewers.filter(({ isHere }) => isHere)).toHaveLength(viewerCount)
  expect(viewers.filter(({ moves }) => moves === 0)).toEqual([])
  for (const { states } of real) {
    expect(states).not.toContain('lost')
    expect(states.at(-1)).toBe('open')
  }
  // Everybody left by themselves, nobody had to be closed.
  for (const tracker of [first, second])
    expect(tracker.log()).toMatch(/"event":"drained","left":\d{3,},"closed":0,"remaining":0/)
  // The metrics show it, and nothing was refused.
  for (const before of [one.before, two.before]) {
    expect(metric(before, 'nearcast_ready')).toBe(0)
    expect(metric(before, 'nearcast_sockets_ended_total{why="drain"}')).toBe(0)
    expect(metric(before, 'nearcast_upgrades_total')).toBeGreaterThan(viewerCount / 3)
    for (const [, refused] of before.matchAll(/^nearcast_refusals_total\{.*\} (\d+)$/gm))
      expect(refused).toBe('0')
  }
  const now = await Promise.all(
    [one.fresh, two.fresh].map(async tracker => metric(await tracker.metrics(), 'nearcast_peers')),
  )
  expect(now.reduce((sum, n) => sum + n)).toBe(viewerCount + real.length)
}, 300_000)
