import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { lanKey } from '../../peer-core/src/mesh/lan-key.ts'
import { binaryToHex } from '../../peer-core/src/signalling/index.ts'
import { bundle } from '../browser/bundle.ts'
import { edgePort, lanServer, lanStunPort, secureHost, trackerPort } from './addresses.ts'
import { type Desk, openDesk } from './browser.ts'
import { createInternet, openInternet } from './internet.ts'
import { type LabMedia, labMedia } from './media.ts'
import { openOffice } from './office.ts'
import { obstacle } from './requirements.ts'

/**
 * The tracker on the internet, a STUN server on the LAN, multicast filtered: the tracker sees one address, and what it
 * learns of the network behind it the browsers tell it.
 */

declare const viewer: typeof import('./pages/viewer.ts')

let media: LabMedia | null = null
const why = obstacle()
if (why === null) media = labMedia()
else console.warn(`skipped: ${why}`)

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Announce {
  readonly info_hash: string
  readonly nearcast?: {
    readonly network?: { readonly lan?: string }
    readonly outcomes?: readonly { readonly ok: boolean; readonly pair: string }[]
  }
}

/** Runs before the page's own script: keeps what the page tells the tracker. */
const tap = `const said = []; const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (data) { said.push(String(data)); return send.call(this, data) };`

const announcesOf = async (desk: Desk): Promise<{ text: string; announce: Announce }[]> => {
  const texts = await desk.page.evaluate<string[]>('said')
  return texts
    .map(text => ({ text, announce: JSON.parse(text) }))
    .filter(({ announce }) => announce.to_peer_id === undefined)
}

it.skipIf(media === null)(
  'browsers on a LAN name it without an address, and report no dial as if it had passed a NAT',
  { timeout: 120_000 },
  async () => {
    const base = createInternet()
    closing.push(() => base.namespace.remove())
    const stun = [`stun:${lanServer(0)}:${lanStunPort}`]
    const internet = await openInternet(base, { mediaDir: media!.dir, sites: '', stun, edgeDelayMs: 0 })
    const office = await openOffice(internet, 0, { multicastBlocked: true, lanStun: true })
    closing.push(() => office.close())
    const script = await bundle(fileURLToPath(new URL('pages/viewer.ts', import.meta.url)), {
      globalName: 'viewer',
      minify: true,
      conditions: ['p2pml:core-as-bundle'],
    })
    const desks: Desk[] = []
    for (let i = 0; i < 2; i++) {
      const desk = await openDesk(office.addDesk(), {
        features: [],
        secure: true,
        script: `${tap}\n${script}`,
      })
      closing.push(() => desk.close())
      desks.push(desk)
      await desk.page.evaluate(
        ([host, edge, tracker]) =>
          viewer.start('nearcast', {
            url: `http://${host}:${edge}/live/single.m3u8`,
            tracker: `ws://${host}:${tracker}/`,
            stun: [],
            hls: {},
          }),
        [secureHost, edgePort, trackerPort] as const,
      )
    }
    const linked = async () =>
      (await Promise.all(desks.map(desk => desk.page.evaluate(() => viewer.report())))).every(
        ({ links }) => links === 1,
      )
    await expect.poll(linked, { timeout: 40_000, interval: 500 }).toBe(true)
    // Chromium asks no server any more once it is connected, so that who was dialled first may learn it with a later dial.
    const named = async () =>
      (await Promise.all(desks.map(announcesOf)))
        .flat()
        .flatMap(({ announce }) => announce.nearcast?.network?.lan ?? [])
    await expect
      .poll(async () => (await named()).length, { timeout: 15_000, interval: 500 })
      .toBeGreaterThan(0)
    const announces = (await Promise.all(desks.map(announcesOf))).flat()
    const expected = lanKey('10.0.0', binaryToHex(announces[0]!.announce.info_hash))
    expect(new Set(await named())).toEqual(new Set([expected]))
    for (const { text } of announces) expect(text).not.toMatch(/\b10\.0\.0\b/)
    const pairs = async () =>
      (await Promise.all(desks.map(announcesOf)))
        .flat()
        .flatMap(({ announce }) => announce.nearcast?.outcomes ?? [])
        .filter(({ ok }) => ok)
        .map(({ pair }) => pair)
    await expect
      .poll(async () => (await pairs()).length, { timeout: 40_000, interval: 500 })
      .toBeGreaterThan(0)
    // `prflx` where a packet was faster than the candidate it came from, and Chromium does not say from where: no vote. What
    // must not be is `srflx`, as Chromium calls an address of the LAN that a server on it has seen: a vote against the LAN.
    for (const pair of await pairs()) expect(pair).toMatch(/^(host|prflx)-(host|prflx)$/)
  },
)
