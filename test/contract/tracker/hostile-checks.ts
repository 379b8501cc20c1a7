import { connect } from 'node:net'
import { type Check, check, same, type Trial, truth } from './trial.ts'
import type { Viewer } from './viewer.ts'

/** Whatever somebody sends, others go on: the witness is still there, still answered, and has heard nothing odd. */
const survived = (name: string, act: (t: Trial, attacker: Viewer) => Promise<void> | void) =>
  check(name, async t => {
    const witness = await t.joined('w')
    const attacker = await t.viewer()
    await act(t, attacker)
    // Whether it was answered, refused, ignored or closed: what it said has been read by then.
    await attacker.settle().catch(() => {})
    await witness.settle()
    same(witness.heard(), [], 'heard by a witness')
    witness.say(t.announce('w', { left: 0 }))
    await witness.response()
    await t.expectCounts(1, 0)
  })

const said = (name: string, value: unknown | ((t: Trial) => unknown)) =>
  survived(name, (t, attacker) => attacker.say(typeof value === 'function' ? value(t) : value))

const deep = '['.repeat(20_000) + ']'.repeat(20_000)

/** What kills, or misleads, one tracker or another. */
export const hostileChecks: readonly Check[] = [
  said('null', 'null'),
  said('an array', '[]'),
  said('a number', '7'),
  said('a string', '"announce"'),
  said('nothing', ''),
  said('half a message', '{"action":"announce","info_hash'),
  said('offers:[null]', (t: Trial) => t.announce('x', { offers: [null] })),
  said('an offer that is null', (t: Trial) =>
    t.announce('x', { offers: [{ offer: null, offer_id: t.id('o') }] }),
  ),
  said('a scrape of a number', { action: 'scrape', info_hash: 5 }),
  said('a scrape of an object', { action: 'scrape', info_hash: {} }),
  said('a scrape of nested arrays', { action: 'scrape', info_hash: [[[]]] }),
  said('deep JSON', deep),
  said('deep JSON in a field', (t: Trial) =>
    JSON.stringify(t.announce('x', { info_hash: 'DEEP' })).replace('"DEEP"', deep),
  ),
  said('__proto__ and constructor', (t: Trial) =>
    JSON.stringify(t.announce('x', { event: 'stopped' })).replace(
      '{',
      '{"__proto__":{"left":0},"constructor":null,',
    ),
  ),
  survived('a binary frame closes its own socket alone', async (t, attacker) => {
    attacker.say(Buffer.from(JSON.stringify(t.announce('x'))))
    same(await attacker.end(), 1003, 'close code')
  }),
  survived('a frame of 1 MB closes its own socket alone', async (t, attacker) => {
    attacker.say(t.announce('x', { padding: 'x'.repeat(1 << 20) }))
    same(await attacker.end(), 1009, 'close code')
  }),
  survived('text that is no UTF-8 closes its own socket alone', async (_, attacker) => {
    attacker.socket.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false })
    same(await attacker.end(), 1007, 'close code')
  }),
  survived('an unmasked frame closes its own socket alone', async t => {
    const { hostname, port } = new URL(t.url)
    const raw = connect(Number(port), hostname.replaceAll(/[[\]]/g, ''))
    raw.on('error', () => {})
    const ended = new Promise<void>(resolve => raw.once('close', () => resolve()))
    raw.write(
      `GET / HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    await new Promise<void>(resolve => raw.once('data', () => resolve()))
    const frame = Buffer.from(JSON.stringify(t.announce('x')))
    raw.write(Buffer.concat([Buffer.from([0x81, 126, frame.length >> 8, frame.length & 255]), frame]))
    raw.resume()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('it was taken')), 3_000)
    })
    await Promise.race([ended, late]).finally(() => {
      clearTimeout(timer)
      raw.destroy()
    })
  }),
  check('a forged first entry of X-Forwarded-For changes nobody’s address', async t => {
    // The proxy appends whom it saw; what stands to the left of that was written by the client.
    const holder = await t.joined('a', {}, '198.51.100.20')
    const stranger = await t.viewer('198.51.100.20, 203.0.113.77')
    stranger.say(t.announce('a'))
    await t.expectRefusal(stranger)
    await holder.settle()
    truth(holder.isOpen, 'the holder was closed')
    await t.expectCounts(0, 1)
  }),
  check('a thousand messages in one go end their own socket', async t => {
    const witness = await t.joined('w')
    const attacker = await t.viewer()
    for (let i = 0; i < 1_000; i++) attacker.say(t.announce('x'))
    same(await attacker.end(), 1008, 'close code')
    await witness.settle()
    await t.expectCounts(0, 1)
  }),
]
