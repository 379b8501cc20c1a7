import { type Connection, createLink, createSimplePeerTransport, type Link } from '@nearcast/peer-core'
import { clip, createMover, type Mover, type TransferReport } from './transfer.ts'

/** One end of a link inside a page; `signal` is the test's, exposed to the page before. */
export interface LinkPage {
  dial(plan: DialPlan): void
  /** What the other end signals. */
  signal(kind: string, text: string): void
  ready(): Promise<string>
  take(n: number, size: number): Promise<TransferReport>
  /** Without a wire: answers each message of the channel with a byte until `bytes` are there. */
  receive(plan: Pick<DialPlan, 'initiator'>, bytes: number): void
  received(): Promise<Pick<TransferReport, 'bytes' | 'largestGapMs'>>
  closed(): string | null
  close(): void
  stats(): ReturnType<Link['stats']>
}

export interface DialPlan {
  readonly initiator: boolean
  readonly self: string
  readonly peer: string
  readonly infoHash: string
  /** Offers served: number, seed and size. */
  readonly offers: readonly { readonly n: number; readonly seed: number; readonly size: number }[]
}

declare global {
  var linkPage: LinkPage
  var signal: (kind: string, text: string) => Promise<void>
}

const transport = createSimplePeerTransport()
let connection: Connection
let link: Link
let mover: Mover
let ready: Promise<string>
let received: ReturnType<LinkPage['received']>

function connect(initiator: boolean): void {
  connection = transport.connect(
    { initiator, trickle: true, iceServers: [] },
    {
      onDescription: (type, sdp) => void signal(type, sdp),
      onCandidate: candidate => void signal('candidate', candidate),
      onCandidateType: () => {},
    },
  )
}

globalThis.linkPage = {
  dial({ initiator, self, peer, infoHash, offers }) {
    connect(initiator)
    const clips = new Map(offers.map(offer => [offer.n, clip(offer.seed, offer.size)]))
    const options = {
      self,
      peer,
      infoHash,
      hello: { v: 1, mode: 'share', reqq: 256 } as const,
      now: () => performance.now(),
    }
    ready = new Promise((resolve, reject) => {
      createLink(connection, options, {
        onReady(opened, hello) {
          link = opened
          mover = createMover(link, clips)
          resolve(`${link.peer} ${hello.mode}`)
        },
        onFail: reason => reject(new Error(reason)),
      })
    })
    ready.catch(() => {})
  },
  signal(kind, text) {
    if (kind === 'candidate') connection.addCandidate(text)
    else if (kind === 'offer' || kind === 'answer') connection.describe(kind, text)
  },
  ready: () => ready,
  take: (n, size) => mover.take(n, size),
  receive({ initiator }, bytes) {
    connect(initiator)
    received = new Promise((resolve, reject) => {
      let last = 0
      let count = 0
      let largestGapMs = 0
      connection.listen({
        onOpen: () => {
          last = performance.now()
        },
        onData(message) {
          const now = performance.now()
          largestGapMs = Math.max(largestGapMs, now - last)
          last = now
          count += message.length
          // In lock-step: the sender waits for this, so that one lost block holds up all that follow.
          connection.send(Uint8Array.of(1))
          if (count >= bytes) resolve({ bytes: count, largestGapMs })
        },
        onLow() {},
        onClose: reason => reject(new Error(reason)),
      })
    })
    received.catch(() => {})
  },
  received: () => received,
  closed: () => mover.closed,
  close: () => link.close('done'),
  stats: () => link.stats(),
}
