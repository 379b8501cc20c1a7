import { execFile } from 'node:child_process'
import { Socket } from 'node:dgram'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createWeriftWrtc } from '@nearcast/peer-core/node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createWeriftPair, ids, type WeriftPairOptions } from '../support/werift-pair.ts'
import { linkContract } from './link-contract.ts'

describe('a link over simple-peer and werift', () => {
  linkContract(async () => ({ links: await createWeriftPair() }))

  afterEach(() => vi.restoreAllMocks())

  /** Ports that packets went to while a pair was made. */
  async function portsAsked(options: WeriftPairOptions): Promise<Set<unknown>> {
    const send = vi.spyOn(Socket.prototype, 'send')
    const links = await createWeriftPair(options)
    expect(links.map(link => link.peer)).toEqual([ids[1], ids[0]])
    for (const link of links) link.close('done')
    return new Set(send.mock.calls.map(call => call[1] as unknown))
  }

  it('opens without trickling too', async () => {
    await portsAsked({ trickle: false })
  })

  it('asks no STUN server when none is configured', async () => {
    // Its own default is a public one, by name; so what it is about to ask is looked at, not what it sent.
    const { RTCPeerConnection } = createWeriftWrtc()
    const pc = new RTCPeerConnection({ iceServers: [] })
    pc.createDataChannel('x')
    await pc.createOffer()
    await pc.setLocalDescription({ type: 'offer' })
    const { iceTransports } = pc as unknown as { iceTransports: { connection: { stunServer: unknown } }[] }
    expect(iceTransports.map(({ connection }) => connection.stunServer)).toEqual([undefined])
    pc.close()
  })

  it('opens long before a dead STUN server has timed out', { timeout: 4_000 }, async () => {
    expect(await portsAsked({ iceServers: [{ urls: 'stun:127.0.0.1:9' }] })).toContain(9)
  })

  it('leaves nothing behind that keeps a process alive', async () => {
    const script = fileURLToPath(new URL('../support/one-link.ts', import.meta.url))
    const run = promisify(execFile)(process.execPath, ['--conditions=nearcast-source', script], {
      timeout: 30_000,
    })
    let ended = false
    const child = run.child
    const said = new Promise<number>(resolve => child.stdout?.once('data', () => resolve(performance.now())))
    child.once('exit', () => {
      ended = true
    })
    await said
    // simple-peer's own timers would hold it for five seconds.
    await expect.poll(() => ended, { timeout: 3_000 }).toBe(true)
    expect((await run).stdout).toBe('remote-closed\n')
  })
})
