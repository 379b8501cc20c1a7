import type { Link, LinkEvents, PeerMessage } from '@nearcast/peer-core'
import { afterEach, expect, it } from 'vitest'

/** Two ends of one link, whatever it runs over. */
export interface LinkPair {
  readonly links: readonly [Link, Link]
  /** Frees what the pair used besides its links. */
  dispose?(): Promise<void>
}

type Heard = { readonly message: PeerMessage; readonly payload: Uint8Array | undefined }

interface Ear extends LinkEvents {
  readonly heard: Heard[]
  readonly drained: number[]
  readonly closed: string[]
  /** The next message that `fits`, from the first one heard on. */
  wait(fits: (message: PeerMessage) => boolean): Promise<Heard>
}

function createEar(onMessage: (message: PeerMessage, payload?: Uint8Array) => void = () => {}): Ear {
  const waiting: { fits: (message: PeerMessage) => boolean; done: (heard: Heard) => void }[] = []
  const ear: Ear = {
    heard: [],
    drained: [],
    closed: [],
    wait: fits =>
      new Promise(done => {
        const early = ear.heard.find(({ message }) => fits(message))
        if (early) done(early)
        else waiting.push({ fits, done })
      }),
    onMessage(message, payload) {
      ear.heard.push({ message, payload })
      onMessage(message, payload)
      for (const [at, { fits, done }] of [...waiting.entries()].reverse()) {
        if (!fits(message)) continue
        waiting.splice(at, 1)
        done({ message, payload })
      }
    },
    onDrained: queuedBytes => ear.drained.push(queuedBytes),
    onClose: reason => ear.closed.push(reason),
  }
  return ear
}

const ofType = (type: PeerMessage['type']) => (message: PeerMessage) => message.type === type
const bytes = (length: number, seed = 7) =>
  Uint8Array.from({ length }, (_, i) => (i * seed + (i >> 8)) & 0xff)
const runBytes = 65_536

/** What every link promises (ports.ts). Call inside a `describe`. */
export function linkContract(open: () => Promise<LinkPair>): void {
  const pairs: LinkPair[] = []
  const pair = async () => {
    const opened = await open()
    pairs.push(opened)
    return opened.links
  }
  afterEach(async () => {
    for (const { links, dispose } of pairs.splice(0)) {
      for (const link of links) link.close('test over')
      await dispose?.()
    }
  })

  it('knows each other by id', async () => {
    const [a, b] = await pair()
    expect(a.peer).not.toBe(b.peer)
    expect(a.peer).toMatch(/^[0-9a-f]{40}$/)
  })

  it('carries every kind of message, in order', async () => {
    const [a, b] = await pair()
    const ear = createEar()
    b.listen(ear)
    const path = '/live/höhe/720p.m3u8?id=7'
    const messages: PeerMessage[] = [
      { type: 'track', id: 0, path },
      {
        type: 'offer',
        n: 0,
        track: 0,
        seq: 41,
        key: '0123456789abcdef',
        size: 0,
        root: 'ab'.repeat(32),
        etag: '"v1"',
        from: 0,
        frontier: 16_384,
        to: 0,
        source: 'edge',
        hops: 0,
        etaMs: 1500,
        rateBps: 300_000,
        epoch: 2,
      },
      { type: 'grow', n: 0, frontier: 32_768, size: 40_000, rateBps: 310_000 },
      { type: 'have', n: 0 },
      { type: 'request', n: 3, offset: 65_536, length: runBytes },
      { type: 'cancel', n: 3, offset: 65_536, length: runBytes },
      {
        type: 'position',
        tracks: [0, 2],
        seq: 42,
        bufferMs: 9_000,
        rate: 100,
        paused: false,
        hidden: true,
        mode: 'leech',
        edgeBps: 5,
        uplinkBps: 0,
      },
      { type: 'beacon', epoch: 3, hops: 1 },
      { type: 'busy', on: true },
      { type: 'ping', id: 9 },
      { type: 'pong', id: 8 },
      { type: 'withdraw', n: 0, offset: 32_768, reason: 'yielded' },
      { type: 'doubled', n: 7, by: 'a'.repeat(40) },
      { type: 'goaway', reason: 'bye' },
    ]
    for (const message of messages) a.send(message)
    await ear.wait(ofType('goaway'))
    expect(ear.heard.map(({ message }) => message)).toEqual(messages)
  })

  it('brings hashes before the piece they prove', async () => {
    const [a, b] = await pair()
    const ear = createEar()
    a.listen(ear)
    const hashes = bytes(64)
    const block = bytes(20_000)
    b.listen(
      createEar(message => {
        if (message.type !== 'request') return
        b.send({ type: 'hashes', n: 4, first: 0, count: 2 }, hashes)
        b.send({ ...message, type: 'piece' }, block)
      }),
    )
    a.send({ type: 'request', n: 4, offset: 0, length: block.length })
    await ear.wait(ofType('piece'))
    expect(ear.heard.map(({ message }) => message.type)).toEqual(['hashes', 'piece'])
    expect(ear.heard[0]?.payload).toEqual(hashes)
    expect(ear.heard[1]?.payload).toEqual(block)
  })

  it('keeps what comes before anybody listens', async () => {
    const [a, b] = await pair()
    const other = createEar()
    a.listen(other)
    a.send({ type: 'ping', id: 1 })
    a.send({ type: 'ping', id: 2 })
    // An answer proves that the pings are there: the channel is ordered.
    b.send({ type: 'pong', id: 0 })
    await other.wait(ofType('pong'))
    const ear = createEar()
    b.listen(ear)
    await ear.wait(message => message.type === 'ping' && message.id === 2)
    expect(ear.heard.map(({ message }) => message)).toEqual([
      { type: 'ping', id: 1 },
      { type: 'ping', id: 2 },
    ])
  })

  it('answers each request with its exact length and gives views that pin nothing larger', async () => {
    const [a, b] = await pair()
    const whole = bytes(200_000)
    b.listen(
      createEar(message => {
        if (message.type !== 'request') return
        b.send({ ...message, type: 'piece' }, whole.subarray(message.offset, message.offset + message.length))
      }),
    )
    const got = new Uint8Array(whole.length)
    let count = 0
    const done = new Promise<void>(resolve => {
      a.listen(
        createEar((message, payload) => {
          if (message.type !== 'piece' || !payload) return
          expect(payload.length).toBe(message.length)
          expect(payload.buffer.byteLength - payload.byteLength).toBeLessThanOrEqual(1024)
          got.set(payload, message.offset)
          count += payload.length
          if (count === whole.length) resolve()
        }),
      )
    })
    for (let offset = 0; offset < whole.length; offset += 30_000) {
      a.send({ type: 'request', n: 1, offset, length: Math.min(30_000, whole.length - offset) })
    }
    await done
    expect(got).toEqual(whole)
  })

  it('rejects instead of sending a piece of another length', async () => {
    const [a, b] = await pair()
    b.listen(
      createEar(message => {
        if (message.type === 'request') b.send({ ...message, type: 'piece' }, bytes(message.length - 1))
      }),
    )
    const ear = createEar()
    a.listen(ear)
    a.send({ type: 'request', n: 1, offset: 0, length: 1000 })
    await ear.wait(ofType('reject'))
    expect(ear.heard.map(({ message }) => message)).toEqual([
      { type: 'reject', n: 1, offset: 0, length: 1000 },
    ])
  })

  it('rejects what is outstanding on an offer that is withdrawn, and nothing else', async () => {
    const [a, b] = await pair()
    const asked = createEar()
    b.listen(asked)
    const ear = createEar()
    a.listen(ear)
    a.send({ type: 'request', n: 1, offset: 0, length: 16_384 })
    a.send({ type: 'request', n: 1, offset: 16_384, length: 16_384 })
    a.send({ type: 'request', n: 2, offset: 0, length: 16_384 })
    await asked.wait(message => message.type === 'request' && message.n === 2)
    b.send({ type: 'withdraw', n: 1, offset: 16_384, reason: 'failed' })
    b.send({ type: 'ping', id: 1 })
    await ear.wait(ofType('ping'))
    expect(ear.heard.map(({ message }) => message)).toEqual([
      { type: 'withdraw', n: 1, offset: 16_384, reason: 'failed' },
      { type: 'reject', n: 1, offset: 16_384, length: 16_384 },
      { type: 'ping', id: 1 },
    ])
    b.send({ type: 'withdraw', n: 1, offset: 0, reason: 'evicted' })
    b.send({ type: 'ping', id: 2 })
    await ear.wait(message => message.type === 'ping' && message.id === 2)
    expect(ear.heard.filter(({ message }) => message.type === 'reject')).toHaveLength(2)
  })

  it('lets control overtake pieces, says how much waits, and when that has gone', async () => {
    const [a, b] = await pair()
    const size = 200 * runBytes
    const block = bytes(runBytes)
    const server = createEar(message => {
      if (message.type === 'request') {
        b.send({ ...message, type: 'piece' }, block)
        // Behind the last piece asked for, yet not behind all that wait.
        if (message.offset + message.length === size) b.send({ type: 'ping', id: 77 })
      }
    })
    b.listen(server)
    let received = 0
    let atPing = -1
    const done = new Promise<void>(resolve => {
      a.listen(
        createEar(message => {
          if (message.type === 'ping') atPing = received
          if (message.type === 'piece') received += message.length
          if (received === size) resolve()
        }),
      )
    })
    for (let offset = 0; offset < size; offset += runBytes)
      a.send({ type: 'request', n: 1, offset, length: runBytes })
    await server.wait(message => message.type === 'request' && message.offset + message.length === size)
    expect(b.queuedBytes()).toBeGreaterThan(size / 4)
    expect(server.drained).toEqual([])
    await done
    expect(atPing).toBeGreaterThanOrEqual(0)
    expect(atPing).toBeLessThan(size)
    await expect.poll(() => server.drained.length).toBeGreaterThan(0)
    await expect.poll(() => b.queuedBytes()).toBe(0)
  })

  it('says so when little was sent and has gone', async () => {
    const [a, b] = await pair()
    const server = createEar(message => {
      if (message.type === 'request') b.send({ ...message, type: 'piece' }, bytes(message.length))
    })
    b.listen(server)
    const ear = createEar()
    a.listen(ear)
    for (const offset of [0, 1000, 2000]) {
      a.send({ type: 'request', n: 1, offset, length: 1000 })
      await ear.wait(message => message.type === 'piece' && message.offset === offset)
      await expect.poll(() => server.drained.at(-1)).toBe(0)
      server.drained.length = 0
    }
  })

  it('takes a cancelled piece back while it waits, and answers the cancel with a reject', async () => {
    const [a, b] = await pair()
    const asked = createEar()
    b.listen(asked)
    const ear = createEar()
    a.listen(ear)
    a.send({ type: 'request', n: 1, offset: 0, length: 100 })
    a.send({ type: 'cancel', n: 1, offset: 0, length: 100 })
    // The same range again, wanted after all.
    a.send({ type: 'request', n: 1, offset: 0, length: 100 })
    await asked.wait(ofType('cancel'))
    await expect.poll(() => asked.heard.length).toBe(3)
    b.send({ type: 'piece', n: 1, offset: 0, length: 100 }, bytes(100))
    // No request is left for this one: it stays here.
    b.send({ type: 'piece', n: 1, offset: 0, length: 100 }, bytes(100))
    b.send({ type: 'ping', id: 1 })
    await ear.wait(ofType('piece'))
    await ear.wait(ofType('ping'))
    expect(ear.heard.map(({ message }) => message.type).sort()).toEqual(['piece', 'ping', 'reject'])
  })

  it('counts as sent what left, and not what was taken back while it waited', async () => {
    const [a, b] = await pair()
    const runs = 100
    const block = bytes(runBytes)
    const server = createEar(message => {
      if (message.type === 'request') b.send({ ...message, type: 'piece' }, block)
    })
    b.listen(server)
    let received = 0
    a.listen(
      createEar(message => {
        if (message.type === 'piece') received += message.length
      }),
    )
    const range = (run: number) => ({ n: 1, offset: run * runBytes, length: runBytes })
    for (let run = 0; run < runs; run++) a.send({ type: 'request', ...range(run) })
    await server.wait(message => message.type === 'request' && message.offset === range(runs - 1).offset)
    a.send({ type: 'cancel', ...range(runs - 1) })
    await server.wait(ofType('cancel'))
    await expect.poll(() => b.queuedBytes(), { timeout: 40_000 }).toBe(0)
    await expect.poll(() => received, { timeout: 10_000 }).toBe((runs - 1) * runBytes)
    expect(b.sentBytes()).toBe(received)
    expect(a.sentBytes()).toBe(0)
  })

  it('refuses requests beyond what the other side takes, without bothering it', async () => {
    const [a, b] = await pair()
    const asked = createEar()
    b.listen(asked)
    const ear = createEar()
    a.listen(ear)
    for (let i = 0; i < 260; i++) a.send({ type: 'request', n: 1, offset: i * 10, length: 10 })
    a.send({ type: 'ping', id: 1 })
    await asked.wait(ofType('ping'))
    expect(asked.heard).toHaveLength(257)
    expect(ear.heard.map(({ message }) => message.type)).toEqual(['reject', 'reject', 'reject', 'reject'])
  })

  it('closes once on both sides, after what was said before', async () => {
    const [a, b] = await pair()
    const ears = [createEar(), createEar()] as const
    a.listen(ears[0])
    b.listen(ears[1])
    a.send({ type: 'goaway', reason: 'leaving' })
    a.close('done')
    a.close('again')
    await expect.poll(() => ears.map(ear => ear.closed)).toEqual([['done'], ['remote-closed']])
    expect(ears[1].heard.map(({ message }) => message.type)).toEqual(['goaway'])
    // Nothing happens any more, and nothing throws.
    a.send({ type: 'ping', id: 1 })
    b.send({ type: 'piece', n: 1, offset: 0, length: 1 }, bytes(1))
    b.close('late')
    expect(a.queuedBytes()).toBe(0)
    expect(await a.stats()).toBeNull()
    expect(ears.map(ear => ear.closed)).toEqual([['done'], ['remote-closed']])
  })

  it('says which candidates won', async () => {
    const [a, b] = await pair()
    expect(await a.stats()).toMatchObject({ local: 'host', remote: 'host' })
    expect((await b.stats())?.rttMs).toBeGreaterThanOrEqual(0)
  })
}
