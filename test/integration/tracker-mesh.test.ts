import {
  createMesh,
  createPeerId,
  createSimplePeerTransport,
  createTimerClock,
  createTrackerClient,
  type Mesh,
} from '@nearcast/peer-core'
import { createWeriftWrtc } from '@nearcast/peer-core/node'
import { listenTracker } from '@nearcast/tracker'
import { Server } from 'bittorrent-tracker'
import { afterEach, expect, test, vi } from 'vitest'

/** Whole meshes over real WebRTC (werift), introduced by real trackers. */

const infoHash = 'cd'.repeat(20)
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface Member {
  readonly mesh: Mesh
  readonly links: Map<string, 'group' | 'outside'>
}

function join(url: string): Member {
  const self = createPeerId()
  const signaller = createTrackerClient({ urls: [url], infoHash, peerId: self, clock: createTimerClock() })
  const mesh = createMesh({
    self,
    infoHash,
    signaller,
    transport: createSimplePeerTransport({ wrtc: createWeriftWrtc() }),
    clock: createTimerClock(),
  })
  const links: Member['links'] = new Map()
  mesh.open({
    onLink(link, _hello, place) {
      links.set(link.peer, place)
      link.listen({ onMessage() {}, onDrained() {}, onClose: () => links.delete(link.peer) })
    },
    onPolicy() {},
    onState() {},
  })
  cleanups.push(() => mesh.close())
  return { mesh, links }
}

const soon = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 50 })

test('five viewers behind one address become a full mesh, each pair dialled once', async () => {
  const tracker = await listenTracker({ port: 0, host: '127.0.0.1', log: () => {} })
  cleanups.push(() => tracker.close())
  const members = Array.from({ length: 5 }, () => join(tracker.url))
  await soon(() => expect(members.map(({ links }) => links.size)).toEqual([4, 4, 4, 4, 4]))
  expect(new Set(members.flatMap(({ links }) => [...links.values()]))).toEqual(new Set(['group']))
  expect(tracker.tracker.stats()).toMatchObject({
    peers: 5,
    named: { address: 10 },
    offers: { address: 10 },
    answers: 10,
  })
  await soon(() => expect(members.map(({ mesh }) => mesh.state().group?.size)).toEqual([5, 5, 5, 5, 5]))
  // The tracker dies: links live on.
  await tracker.close()
  await soon(() => expect(members.map(({ mesh }) => mesh.state().tracker)).toEqual(Array(5).fill('lost')))
  expect(members.map(({ links }) => links.size)).toEqual([4, 4, 4, 4, 4])
}, 60_000)

test('two viewers meet through a standard tracker', async () => {
  const server = new Server({ http: false, udp: false, ws: true, stats: false })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => new Promise<void>(resolve => server.close(() => resolve())))
  const url = `ws://127.0.0.1:${server.ws.address().port}`
  const first = join(url)
  await soon(() => expect(first.mesh.state().tracker).toBe('open'))
  const second = join(url)
  await soon(() => expect([first.links.size, second.links.size]).toEqual([1, 1]))
  expect([...first.links.values(), ...second.links.values()]).toEqual(['group', 'group'])
}, 60_000)
