import { fileURLToPath } from 'node:url'
import { type Connection, createLink, createSimplePeerTransport, type Link } from '@nearcast/peer-core'
import { createWeriftWrtc, type WeriftOptions } from '@nearcast/peer-core/node'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../browser/bundle.ts'
import { launchChromium } from '../browser/chromium.ts'
import type {} from '../support/link-page.ts'
import { clip, createMover, fingerprint } from '../support/transfer.ts'

/** A Node peer (werift) and a page in Chromium, connected for real. */

const node = 'a'.repeat(40)
const page = 'b'.repeat(40)
const infoHash = 'c'.repeat(40)
const size = 6_000_000

let browser: Browser
let script: string

beforeAll(async () => {
  script = await bundle(fileURLToPath(new URL('../support/link-page.ts', import.meta.url)))
  browser = await launchChromium()
})
afterAll(() => browser?.close())

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

/**
 * The least of so many measurements, or the first one below `enough`. A busy machine may hold up any of them; what is
 * wrong with the link holds up every one, as the tests without the remedies show.
 */
async function leastOf(count: number, measure: () => Promise<number>, enough: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let taken = 0; taken < count && least >= enough; taken++) least = Math.min(least, await measure())
  return least
}

/** A page with the bundle, and a connection of ours whose signals go to it. */
async function meet(werift: WeriftOptions = {}) {
  const tab = await browser.newPage()
  open.push(tab)
  let connection: Connection | null = null
  await tab.exposeFunction('signal', (kind: string, text: string) => {
    if (kind === 'candidate') connection?.addCandidate(text)
    else if (kind === 'offer' || kind === 'answer') connection?.describe(kind, text)
  })
  await tab.addScriptTag({ content: script })
  const transport = createSimplePeerTransport({ wrtc: createWeriftWrtc(werift) })
  const tell = (kind: string, text: string) => {
    if (!tab.isClosed())
      tab.evaluate(([k, t]) => linkPage.signal(k, t), [kind, text] as const).catch(() => {})
  }
  const connect = (initiator: boolean) => {
    connection = transport.connect(
      { initiator, trickle: true, iceServers: [] },
      { onDescription: tell, onCandidate: text => tell('candidate', text), onCandidateType: () => {} },
    )
    open.push(connection)
    return connection
  }
  return { tab, connect }
}

async function join(
  tab: Page,
  connect: (initiator: boolean) => Connection,
  initiator: boolean,
): Promise<Link> {
  const plan = { initiator: !initiator, self: page, peer: node, infoHash, offers: [{ n: 3, seed: 2, size }] }
  // Whoever answers is there first.
  if (initiator) await tab.evaluate(p => linkPage.dial(p), plan)
  const link = new Promise<Link>((resolve, reject) => {
    const options = {
      self: node,
      peer: page,
      infoHash,
      hello: { v: 1, mode: 'share', reqq: 256 } as const,
      now: () => performance.now(),
    }
    createLink(connect(initiator), options, { onReady: resolve, onFail: reason => reject(new Error(reason)) })
  })
  if (!initiator) await tab.evaluate(p => linkPage.dial(p), plan)
  expect(await tab.evaluate(() => linkPage.ready())).toBe(`${node} share`)
  return link
}

describe.each([
  ['Node offers', true],
  ['the page offers', false],
] as const)('a Node peer and a browser peer, when %s', (_, initiator) => {
  async function move(): Promise<number> {
    const { tab, connect } = await meet()
    const link = await join(tab, connect, initiator)
    const mover = createMover(link, new Map([[5, clip(1, size)]]))
    const down = await tab.evaluate(bytes => linkPage.take(5, bytes), size)
    const up = await mover.take(3, size)
    expect(down.fingerprint).toBe(fingerprint(clip(1, size)))
    expect(up.fingerprint).toBe(fingerprint(clip(2, size)))
    // Browsers hide their address from Node behind a name; it is learnt on the way, and is the host’s own where it is told.
    expect(await link.stats()).toMatchObject({
      local: 'host',
      remote: expect.stringMatching(/^(host|prflx)$/),
    })
    await tab.evaluate(() => linkPage.close())
    await expect.poll(() => mover.closed).toBe('remote-closed')
    return Math.max(down.largestGapMs, up.largestGapMs)
  }

  it('move six megabytes each way, byte for byte and without a stall', async () => {
    expect(await leastOf(3, move, 500)).toBeLessThan(500)
  })

  it('tell each other when Node closes', async () => {
    const { tab, connect } = await meet()
    const link = await join(tab, connect, initiator)
    const mover = createMover(link, new Map())
    link.close('done')
    link.close('again')
    await expect.poll(() => mover.closed).toBe('done')
    await expect.poll(() => tab.evaluate(() => linkPage.closed())).toBe('remote-closed')
  })
})

/**
 * The record that werift numbers twice must carry data for its loss to be felt, and nothing may follow that would make
 * SCTP repeat it early. So blocks are the first bytes on the channel, each sent when the one before was answered.
 */
describe.each([
  ['Node offers', true],
  ['the page offers', false],
] as const)('the DTLS record that werift numbers twice, when %s', (_, initiator) => {
  const blocks = 24

  async function largestGapMs(werift: WeriftOptions): Promise<number> {
    const { tab, connect } = await meet(werift)
    const expectBlocks = () =>
      tab.evaluate(([first, bytes]) => linkPage.receive({ initiator: first }, bytes), [
        !initiator,
        blocks * 1024,
      ] as const)
    if (initiator) await expectBlocks()
    const connection = connect(initiator)
    let sent = 0
    const next = () => {
      if (sent++ < blocks) connection.send(new Uint8Array(1024).fill(sent))
    }
    connection.listen({ onOpen: next, onData: next, onLow() {}, onClose() {} })
    if (!initiator) await expectBlocks()
    const report = await tab.evaluate(() => linkPage.received())
    expect(report.bytes).toBe(blocks * 1024)
    return report.largestGapMs
  }

  it('arrives at once', async () => {
    expect(await leastOf(3, () => largestGapMs({}), 350)).toBeLessThan(350)
  })

  it('is lost for a second without the remedies', async () => {
    expect(await largestGapMs({ dtlsRemedy: false, sctpRemedy: false })).toBeGreaterThanOrEqual(900)
  })

  it('is lost for 0.4 s when only SCTP is quicker to repeat', async () => {
    expect(await largestGapMs({ dtlsRemedy: false })).toBeGreaterThanOrEqual(380)
  })
})
