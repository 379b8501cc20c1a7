import { type Connection, createLink, createSimplePeerTransport, type Link } from '@nearcast/peer-core'
import { createMover } from './transfer.ts'

/** Both ends of a transfer bench; each end is a page of its own process. */
export interface BenchPage {
  /** A bare RTCDataChannel, no library. */
  raw(initiator: boolean): Promise<void>
  sendRaw(bytes: number, messageBytes: number): Promise<void>
  /** Milliseconds from the first to the last byte of `bytes`. */
  receiveRaw(bytes: number): Promise<number>
  /** The full stack: simple-peer, bittorrent-protocol, our link. */
  stack(initiator: boolean, offerBytes: number): Promise<void>
  take(bytes: number, depth: number, runBytes: number): Promise<number>
  signal(kind: string, text: string): void
  close(): void
}

declare global {
  var benchPage: BenchPage
  var signal: (kind: string, text: string) => Promise<void>
}

let onSignal: (kind: string, text: string) => void = () => {}
let close: () => void = () => {}
let channel: RTCDataChannel
let link: Link

globalThis.benchPage = {
  signal: (kind, text) => onSignal(kind, text),
  close: () => close(),

  raw(initiator) {
    const pc = new RTCPeerConnection()
    close = () => pc.close()
    pc.onicecandidate = event =>
      void (event.candidate && signal('candidate', JSON.stringify(event.candidate)))
    onSignal = (kind, text) => {
      if (kind === 'candidate') void pc.addIceCandidate(JSON.parse(text))
      else void describe(pc, kind as 'offer' | 'answer', text)
    }
    return new Promise(resolve => {
      const use = (opened: RTCDataChannel) => {
        channel = opened
        channel.binaryType = 'arraybuffer'
        if (channel.readyState === 'open') resolve()
        else channel.onopen = () => resolve()
      }
      if (!initiator) pc.ondatachannel = event => use(event.channel)
      else {
        use(pc.createDataChannel('bench'))
        void pc.setLocalDescription().then(() => signal('offer', pc.localDescription?.sdp ?? ''))
      }
    })
  },

  sendRaw(bytes, messageBytes) {
    const message = new Uint8Array(messageBytes)
    channel.bufferedAmountLowThreshold = 1 << 20
    return new Promise(resolve => {
      let sent = 0
      const fill = () => {
        while (sent < bytes && channel.bufferedAmount < 4 << 20) {
          channel.send(message)
          sent += messageBytes
        }
        if (sent >= bytes) resolve()
      }
      channel.onbufferedamountlow = fill
      fill()
    })
  },

  receiveRaw: bytes =>
    new Promise(resolve => {
      let count = 0
      let first = 0
      channel.onmessage = event => {
        if (count === 0) first = performance.now()
        count += (event.data as ArrayBuffer).byteLength
        if (count >= bytes) resolve(performance.now() - first)
      }
    }),

  stack(initiator, offerBytes) {
    const connection: Connection = createSimplePeerTransport().connect(
      { initiator, trickle: true, iceServers: [] },
      {
        onDescription: (type, sdp) => void signal(type, sdp),
        onCandidate: candidate => void signal('candidate', candidate),
        onCandidateType: () => {},
      },
    )
    close = () => connection.close()
    onSignal = (kind, text) => {
      if (kind === 'candidate') connection.addCandidate(text)
      else connection.describe(kind as 'offer' | 'answer', text)
    }
    const ids = ['a'.repeat(40), 'b'.repeat(40)] as const
    return new Promise((resolve, reject) => {
      const options = {
        self: ids[initiator ? 0 : 1],
        peer: ids[initiator ? 1 : 0],
        infoHash: 'c'.repeat(40),
        hello: { v: 1, mode: 'share', reqq: 256 } as const,
        now: () => performance.now(),
      }
      createLink(connection, options, {
        onReady(opened) {
          link = opened
          if (offerBytes > 0) createMover(link, new Map([[1, new Uint8Array(offerBytes)]]))
          resolve()
        },
        onFail: reason => reject(new Error(reason)),
      })
    })
  },

  take: async (bytes, depth, runBytes) =>
    (await createMover(link, new Map()).take(1, bytes, { depth, runBytes, keep: false })).ms,
}

async function describe(pc: RTCPeerConnection, type: 'offer' | 'answer', sdp: string): Promise<void> {
  await pc.setRemoteDescription({ type, sdp })
  if (type !== 'offer') return
  await pc.setLocalDescription()
  await signal('answer', pc.localDescription?.sdp ?? '')
}
