import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWeriftWrtc } from '@nearcast/peer-core/node'
import { type ListeningTracker, listenTracker } from '@nearcast/tracker'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { launchChromium } from './chromium.ts'

/** What real implementations say passes the tracker untouched; what somebody added to it does not pass. */

let tracker: ListeningTracker
let browser: Browser
const sockets: WebSocket[] = []
const site = createServer((_, response) => response.end('<!doctype html>'))

beforeAll(async () => {
  tracker = await listenTracker({ port: 0, host: '127.0.0.1', log: () => {} })
  browser = await launchChromium()
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate()
})
afterAll(async () => {
  await browser?.close()
  await tracker?.close()
  site.close()
})

interface Described {
  readonly sdp: string
  readonly candidates: readonly string[]
}

async function byChromium(): Promise<Described> {
  const page = await browser.newPage()
  await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`)
  try {
    return await page.evaluate(async stun => {
      const connection = new RTCPeerConnection({ iceServers: [{ urls: stun }] })
      const candidates: string[] = []
      connection.createDataChannel('x')
      const gathered = new Promise<void>(resolve => {
        connection.onicecandidate = ({ candidate }) => {
          if (candidate === null) resolve()
          else candidates.push(JSON.stringify(candidate))
        }
      })
      await connection.setLocalDescription()
      await gathered
      const sdp = connection.localDescription?.sdp ?? ''
      connection.close()
      return { sdp, candidates }
    }, `stun:127.0.0.1:${tracker.port}`)
  } finally {
    await page.close()
  }
}

/** werift as our headless peer uses it. */
async function byWerift(): Promise<Described> {
  const { RTCPeerConnection } = createWeriftWrtc()
  const connection = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${tracker.port}` }] })
  const candidates: string[] = []
  connection.onicecandidate = ({ candidate }) => {
    if (candidate) candidates.push(JSON.stringify(candidate))
  }
  connection.createDataChannel('x')
  await connection.setLocalDescription(await connection.createOffer())
  await vi.waitFor(() => expect(candidates.length).toBeGreaterThan(0))
  const sdp = connection.localDescription?.sdp ?? ''
  connection.close()
  return { sdp, candidates }
}

const idOf = (name: string) => name.padEnd(20, '.')

async function join(peer: string) {
  const socket = new WebSocket(tracker.url)
  sockets.push(socket)
  const heard: { offer?: { sdp: string }; nearcast?: { candidates?: string[] } }[] = []
  socket.on('message', data => heard.push(JSON.parse(String(data))))
  await new Promise(resolve => socket.once('open', resolve))
  const say = (fields: object) =>
    socket.send(
      JSON.stringify({ action: 'announce', info_hash: idOf('film'), peer_id: idOf(peer), ...fields }),
    )
  say({ nearcast: { v: 1, mode: 'share', neighbours: { have: 0, want: 8 }, caps: ['directed', 'trickle'] } })
  await vi.waitFor(() => expect(heard.length).toBeGreaterThan(0))
  return { heard, say }
}

const stranger = 'a=candidate:1 1 udp 2113937151 169.254.169.254 50000 typ host'

describe.each([
  ['Chromium', byChromium],
  ['werift', byWerift],
])('a description by %s', (_, describeIt) => {
  test('reaches the other side as it was written, with its candidates; one that was added does not', async () => {
    const { sdp, candidates } = await describeIt()
    expect(sdp).toContain('a=candidate:')
    expect(candidates.length).toBeGreaterThan(0)
    const stripped = tracker.tracker.stats().stripped
    const alice = await join('alice')
    const bob = await join('bob')
    const head = { to_peer_id: idOf('alice'), offer_id: idOf('first') }
    bob.say({ ...head, offer: { type: 'offer', sdp } })
    bob.say({ ...head, nearcast: { v: 1, candidates } })
    await vi.waitFor(() => expect(alice.heard.some(({ nearcast }) => nearcast?.candidates)).toBe(true))
    expect(alice.heard.find(({ offer }) => offer)?.offer?.sdp).toBe(sdp)
    expect(alice.heard.find(({ nearcast }) => nearcast?.candidates)?.nearcast?.candidates).toEqual(candidates)
    expect(tracker.tracker.stats().stripped).toEqual(stripped)

    alice.heard.length = 0
    const added = sdp.replace('a=candidate:', `${stranger}\r\na=candidate:`)
    bob.say({ ...head, offer_id: idOf('second'), offer: { type: 'offer', sdp: added } })
    await vi.waitFor(() => expect(alice.heard.find(({ offer }) => offer)?.offer?.sdp).toBe(sdp))
    expect(tracker.tracker.stats().stripped.special).toBe(stripped.special + 1)
  })
})
