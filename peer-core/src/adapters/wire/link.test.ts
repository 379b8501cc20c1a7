import bencode from 'bencode'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeMessage } from '../../core/codec.ts'
import type { PeerMessage } from '../../core/messages.ts'
import type { Link } from '../../ports.ts'
import { createMemoryConnections, type MemoryConnection } from '../transport/memory.ts'
import { controlRate } from './guard.ts'
import { createLink } from './link.ts'

/** One side is ours, the other a stranger who writes whatever bytes it likes. */

const self = 'a'.repeat(40)
const stranger = 'b'.repeat(40)
const infoHash = 'c'.repeat(40)

const unchoke = frame(1)
const requestFrame = (n: number, offset: number, length: number) =>
  frame(6, ...uint32(n), ...uint32(offset), ...uint32(length))
const extensionFrame = (payload: Uint8Array) => frame(20, 1, ...payload)

function uint32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}

function frame(...body: number[]): Uint8Array {
  return Uint8Array.of(...uint32(body.length), ...body)
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], digits => Number.parseInt(digits, 16))
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]))
}

function handshake({
  hash = infoHash,
  peer = stranger,
  reserved = [0, 0, 0, 0, 0, 0x10, 0, 0x04],
} = {}): Uint8Array {
  const protocol = [19, ...new TextEncoder().encode('BitTorrent protocol')]
  return concat(Uint8Array.of(...protocol, ...reserved), hex(hash), hex(peer))
}

function extensions(fields: unknown = { m: { nearcast: 1 }, v: 1, mode: 0, reqq: 256 }): Uint8Array {
  return frame(20, 0, ...bencode.encode(fields))
}

const hello = concat(handshake(), extensions(), unchoke)

interface Victim {
  readonly ours: MemoryConnection
  readonly peer: MemoryConnection
  /** `ready`, `fail reason`, `end reason`. */
  readonly story: string[]
  readonly heard: PeerMessage[]
  link: Link | null
  now: number
}

function meet(expected: string | null = stranger): Victim {
  const [ours, theirs] = createMemoryConnections()
  const victim: Victim = {
    ours,
    peer: theirs,
    story: [],
    heard: [],
    link: null,
    now: 0,
  }
  const options = {
    self,
    infoHash,
    peer: expected,
    hello: { v: 1, mode: 'share', reqq: 256 } as const,
    now: () => victim.now,
  }
  createLink(ours, options, {
    onReady(link) {
      victim.link = link
      victim.story.push('ready')
      link.listen({
        onMessage: message => victim.heard.push(message),
        onDrained() {},
        onClose: reason => victim.story.push(`end ${reason}`),
      })
    },
    onFail: reason => victim.story.push(`fail ${reason}`),
  })
  theirs.listen({ onOpen() {}, onData() {}, onLow() {}, onClose() {} })
  return victim
}

const settle = () => new Promise(resolve => setTimeout(resolve, 5))

/** Sends and gives the story that follows. */
async function attack(bytes: Uint8Array, expected: string | null = stranger): Promise<Victim> {
  const victim = meet(expected)
  await settle()
  victim.peer.send(bytes)
  await settle()
  return victim
}

const uncaught: unknown[] = []
const note = (error: unknown) => uncaught.push(error)
beforeEach(() => {
  uncaught.length = 0
  process.on('uncaughtException', note)
})
afterEach(() => {
  process.off('uncaughtException', note)
  expect(uncaught).toEqual([])
})

describe('a link with a stranger', () => {
  it('is ready after both handshakes and the unchoke', async () => {
    const victim = await attack(hello)
    expect(victim.story).toEqual(['ready'])
    expect(victim.link?.peer).toBe(stranger)
  })

  it('takes bytes torn anywhere', async () => {
    const victim = meet()
    await settle()
    const ping = extensionFrame(encodeMessage({ type: 'ping', id: 300 })!)
    const bytes = concat(
      hello,
      Uint8Array.of(0, 0, 0, 0),
      ping,
      frame(4, ...uint32(7)),
      requestFrame(1, 2, 3),
    )
    for (const byte of bytes) victim.peer.send(Uint8Array.of(byte))
    await settle()
    expect(victim.heard).toEqual([
      { type: 'ping', id: 300 },
      { type: 'have', n: 7 },
      { type: 'request', n: 1, offset: 2, length: 3 },
    ])
  })

  it('ignores messages it has no use for, and still hears a have behind a bitfield', async () => {
    const later = extensionFrame(Uint8Array.of(99, 1, 2, 3))
    const haveAll = frame(14)
    const bitfield = frame(5, 0xff, 0xff)
    const port = frame(9, 1, 2)
    const victim = await attack(
      concat(hello, bitfield, haveAll, port, frame(77), later, frame(4, ...uint32(399_999))),
    )
    expect(victim.story).toEqual(['ready'])
    expect(victim.heard).toEqual([{ type: 'have', n: 399_999 }])
  })

  it.each([
    ['another swarm', handshake({ hash: 'd'.repeat(40) }), 'fail wrong-swarm'],
    ['another peer', handshake({ peer: 'e'.repeat(40) }), 'fail wrong-peer'],
    ['ourselves', handshake({ peer: self }), 'fail wrong-peer'],
    ['no fast extension', handshake({ reserved: [0, 0, 0, 0, 0, 0x10, 0, 0] }), 'fail protocol-error'],
    ['no extensions', handshake({ reserved: [0, 0, 0, 0, 0, 0, 0, 4] }), 'fail protocol-error'],
    ['HTTP', new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'), 'fail protocol-error'],
    ['another protocol', Uint8Array.of(19, 66, 105, 116, 84), null],
    [
      'an extension handshake that is no bencode',
      concat(handshake(), frame(20, 0, 100, 100)),
      'fail protocol-error',
    ],
    [
      'one without us',
      concat(handshake(), extensions({ m: { ut_pex: 1 }, v: 1, mode: 0, reqq: 1 })),
      'fail protocol-error',
    ],
    [
      'one that makes the package throw',
      concat(handshake(), extensions({ m: { nearcast: { toString: 1 } } })),
      'fail protocol-error',
    ],
    ['a number for m', concat(handshake(), extensions({ m: 5 })), 'fail protocol-error'],
    [
      'lists without end',
      concat(handshake(), frame(20, 0, ...new Array(10_000).fill(108))),
      'fail protocol-error',
    ],
    [
      'version zero',
      concat(handshake(), extensions({ m: { nearcast: 1 }, v: 0, mode: 0, reqq: 1 })),
      'fail protocol-error',
    ],
  ])('does not become ready with %s', async (_, bytes, end) => {
    const victim = await attack(bytes)
    expect(victim.story).toEqual(end === null ? [] : [end])
  })

  it('takes anybody of the swarm when nobody was named', async () => {
    expect((await attack(hello, null)).link?.peer).toBe(stranger)
  })

  it.each([
    ['a frame of 2 GB', Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 7)],
    ['a frame of 4 GB', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 7)],
    ['a piece above 64 KiB', concat(Uint8Array.of(...uint32(9 + 65_537)), Uint8Array.of(7))],
    ['a have it could not remember', frame(4, ...uint32(400_000))],
    ['a negative have', frame(4, ...uint32(0x8000_0000))],
    ['a have cut short', frame(4, 1)],
    ['a request cut short', frame(6, 0, 0, 0, 1)],
    ['a request too long', concat(Uint8Array.of(...uint32(14), 6), new Uint8Array(13))],
    ['a request for nothing', requestFrame(1, 0, 0)],
    ['a request above one run', requestFrame(1, 0, 65_537)],
    ['a request beyond 2 GB', requestFrame(1, 0x7fff_ffff, 16_384)],
    ['a piece nobody asked for', frame(7, ...uint32(1), ...uint32(0), 1, 2, 3)],
    ['a piece without a block', frame(7, ...uint32(1), ...uint32(0))],
    ['a reject of nothing', frame(16, ...uint32(1), ...uint32(0), ...uint32(5))],
    ['an extension message it cannot mean', extensionFrame(Uint8Array.of(2, 255))],
    ['an empty extended message', frame(20)],
    ['257 requests at once', concat(...Array.from({ length: 257 }, (_, i) => requestFrame(1, i * 10, 10)))],
  ])('ends with protocol-error after %s', async (_, bytes) => {
    const victim = await attack(hello)
    victim.peer.send(bytes)
    await settle()
    expect(victim.story).toEqual(['ready', 'end protocol-error'])
  })

  it('ends when control comes faster than any player speaks', async () => {
    const victim = await attack(hello)
    const ping = extensionFrame(encodeMessage({ type: 'ping', id: 1 })!)
    const flood = concat(...Array.from({ length: 1000 }, () => ping))
    for (let sent = 0; sent <= controlRate.messages * controlRate.burstSeconds; sent += 1000)
      victim.peer.send(flood)
    await settle()
    await settle()
    expect(victim.story).toEqual(['ready', 'end protocol-error'])
  })

  it('bears as much control as a relay at full speed sends, for ever', async () => {
    const victim = await attack(hello)
    const ping = extensionFrame(encodeMessage({ type: 'ping', id: 1 })!)
    const busy = concat(...Array.from({ length: 1000 }, () => ping))
    for (let second = 0; second < 20; second++) {
      victim.now += 250
      victim.peer.send(busy)
      await settle()
    }
    expect(victim.story).toEqual(['ready'])
    expect(victim.heard).toHaveLength(20_000)
  })

  it('counts keep-alives as messages', async () => {
    const victim = await attack(hello)
    for (let i = 0; i < 3; i++) victim.peer.send(new Uint8Array(4 * 4000))
    await settle()
    expect(victim.story).toEqual(['ready', 'end protocol-error'])
  })

  it('answers what was asked when the asker chokes us, by refusing', async () => {
    const victim = await attack(concat(hello, frame(0)))
    victim.link?.send({ type: 'request', n: 1, offset: 0, length: 10 })
    await settle()
    expect(victim.heard).toEqual([{ type: 'reject', n: 1, offset: 0, length: 10 }])
  })

  it('takes one answer for each request, a late piece after a cancel included', async () => {
    const victim = await attack(hello)
    const range = { n: 1, offset: 0, length: 3 }
    const piece = frame(7, ...uint32(1), ...uint32(0), 1, 2, 3)
    victim.link?.send({ type: 'request', ...range })
    victim.link?.send({ type: 'cancel', ...range })
    await settle()
    victim.peer.send(piece)
    await settle()
    expect(victim.heard).toEqual([{ type: 'piece', ...range }])
    victim.peer.send(piece)
    await settle()
    expect(victim.story).toEqual(['ready', 'end protocol-error'])
  })

  it('gives up on somebody who takes nothing and is owed ever more', async () => {
    const victim = await attack(hello)
    victim.ours.hold()
    const message = { type: 'track', id: 1, path: 'p'.repeat(4000) } as const
    for (let turn = 0; turn < 30 && victim.story.length === 1; turn++) {
      for (let i = 0; i < 100; i++) victim.link?.send(message)
      await settle()
    }
    expect(victim.story).toEqual(['ready', 'end stalled'])
  })

  it('survives any bytes', async () => {
    const frames = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 20), fc.uint8Array({ maxLength: 40 }))
        .map(([id, body]) => frame(id, ...body)),
      fc.uint8Array({ maxLength: 60 }).map(extensionFrame),
      fc.uint8Array({ maxLength: 60 }).map(body => frame(20, 0, ...body)),
    )
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(frames, { maxLength: 8 }), async (greets, parts) => {
        const victim = await attack(concat(...(greets ? [hello] : []), ...parts))
        // Still there or ended; never anything else, and nothing thrown (see afterEach).
        expect(victim.story.length).toBeLessThanOrEqual(2)
        victim.link?.close('done')
      }),
      { numRuns: 150 },
    )
  })
})
