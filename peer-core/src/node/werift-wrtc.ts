import { setTimeout as delay } from 'node:timers/promises'
import { type RTCDtlsTransport, RTCIceCandidate, RTCPeerConnection, RTCSessionDescription } from 'werift'
import type { Wrtc } from '#simple-peer'

export interface WeriftOptions {
  /**
   * Skip the DTLS record numbers that werift has used once already. `false` shows what it mends: every connection
   * with a browser loses its sixth or eighth data record.
   * @default true
   */
  readonly dtlsRemedy?: boolean
  /**
   * Repeat a lost tail after 0.4 s and keep bursts within what a browser's socket holds. `false` leaves SCTP as werift
   * has it: 1 s, and bursts that a busy browser drops.
   * @default true
   */
  readonly sctpRemedy?: boolean
  /** Longest wait for candidates before a description goes out and the rest trickle, ms. @default 30 */
  readonly gatherWaitMs?: number
  /** Kernel buffer of each UDP socket in each direction; small ones lose packets in bursts. @default 4 MiB */
  readonly socketBufferBytes?: number
}

/**
 * WebRTC for Node as simple-peer wants it: werift 0.25.2, pure TypeScript, with each of its differences to a browser
 * made good. One certificate serves the whole process, so the peers of one process can be recognised as such.
 */
export function createWeriftWrtc(options: WeriftOptions = {}): Wrtc {
  const { dtlsRemedy = true, sctpRemedy = true, gatherWaitMs = 30, socketBufferBytes = 4 << 20 } = options
  // A constructor that returns an object: `new` gives the dressed werift connection itself.
  function PeerConnection(config: RTCConfiguration = {}): RTCPeerConnection {
    const servers = (config.iceServers ?? []) as { urls: string }[]
    // Chromium takes the answerer's limit from its SDP, and a piece with its header is 13 bytes over the default.
    const pc = new RTCPeerConnection({ iceServers: servers, maxMessageSize: 262_144 })
    plainDescriptions(pc)
    withoutMdns(pc)
    browserStats(pc)
    lowEvents(pc)
    quickGathering(pc, { askStun: servers.length > 0, gatherWaitMs, socketBufferBytes })
    // The transports below exist once a channel or a remote description does, and start only after both descriptions.
    const steadied = new WeakSet<object>()
    pc.signalingStateChange.subscribe(() => {
      if (dtlsRemedy) for (const dtls of pc.dtlsTransports) once(steadied, dtls, freshRecordNumbers)
      const sctp = pc.sctpTransport?.sctp
      if (sctp && sctpRemedy) once(steadied, sctp, steadyAssociation)
    })
    return pc
  }
  return {
    RTCPeerConnection: PeerConnection,
    RTCSessionDescription: Description,
    RTCIceCandidate,
  } as unknown as Wrtc
}

/** werift's own constructor takes (sdp, type); the standard's takes one object. */
function Description(init: { sdp: string; type: 'offer' | 'answer' }): RTCSessionDescription {
  return new RTCSessionDescription(init.sdp, init.type)
}

/**
 * simple-peer writes to the `sdp` of what createOffer and createAnswer gave it, where werift's is read-only, and
 * hands the changed text to setLocalDescription, where werift wants the very text it made.
 */
function plainDescriptions(pc: RTCPeerConnection): void {
  const createOffer = pc.createOffer.bind(pc)
  const createAnswer = pc.createAnswer.bind(pc)
  const setLocalDescription = pc.setLocalDescription.bind(pc)
  const plain = ({ type, sdp }: { type: string; sdp: string }) => ({ type, sdp })
  Object.assign(pc, {
    createOffer: async () => plain(await createOffer()),
    createAnswer: async () => plain(await createAnswer()),
    setLocalDescription: ({ type }: { type: 'offer' | 'answer' }) => setLocalDescription({ type } as never),
  })
}

/**
 * A browser hides its addresses behind `.local` names. werift would open a multicast socket for each connection to
 * resolve them; without, the browser's own checks reach us and its address is learnt from those (peer-reflexive).
 */
function withoutMdns(pc: RTCPeerConnection): void {
  const addIceCandidate = pc.addIceCandidate.bind(pc)
  const setRemoteDescription = pc.setRemoteDescription.bind(pc)
  Object.assign(pc, {
    addIceCandidate: async (candidate: { candidate?: string }) => {
      if (!isMdns(candidate.candidate ?? '')) await addIceCandidate(candidate as never)
    },
    setRemoteDescription: ({ type, sdp }: { type: 'offer' | 'answer'; sdp: string }) => {
      const lines = sdp.split(/\r?\n/)
      const kept = lines.filter(line => !(line.startsWith('a=candidate:') && isMdns(line)))
      // With "no more candidates" and none at all, werift gives up before the browser's checks arrive.
      const open = kept.length === lines.length ? kept : kept.filter(line => line !== 'a=end-of-candidates')
      return setRemoteDescription({ type, sdp: open.join('\r\n') })
    },
  })
}

function isMdns(candidate: string): boolean {
  return candidate.split(' ')[4]?.endsWith('.local') ?? false
}

/** werift's getStats declares a parameter, from which simple-peer concludes that it takes a callback. */
function browserStats(pc: RTCPeerConnection): void {
  const getStats = pc.getStats.bind(pc)
  Object.assign(pc, { getStats: () => getStats() })
}

/** werift calls `onopen`, `onmessage` and `onclose` of a channel, but never `onbufferedamountlow`. */
function lowEvents(pc: RTCPeerConnection): void {
  const forward = (channel: ReturnType<RTCPeerConnection['createDataChannel']>) => {
    channel.bufferedAmountLow.subscribe(() => {
      ;(channel as { onbufferedamountlow?: (() => void) | null }).onbufferedamountlow?.()
    })
    return channel
  }
  const createDataChannel = pc.createDataChannel.bind(pc)
  pc.createDataChannel = (...args) => forward(createDataChannel(...args))
  pc.onDataChannel.subscribe(forward)
}

interface Gathering {
  readonly askStun: boolean
  readonly gatherWaitMs: number
  readonly socketBufferBytes: number
}

/** What werift declares private and we need: the step between a local description and its candidates. */
interface Internals {
  gatherCandidates(): Promise<void>
  readonly iceTransports: readonly {
    readonly connection: {
      stunServer: unknown
      readonly protocols: readonly {
        readonly transport?: {
          readonly socket?: { setRecvBufferSize(n: number): void; setSendBufferSize(n: number): void }
        }
      }[]
    }
  }[]
}

/**
 * setLocalDescription waits until all candidates are there: five seconds with a dead STUN server, and an answerer
 * starts its checks only then. And without any server configured werift asks a public one.
 */
function quickGathering(pc: RTCPeerConnection, gathering: Gathering): void {
  const internals = pc as unknown as Internals
  const gatherCandidates = internals.gatherCandidates.bind(pc)
  const grown = new WeakSet<object>()
  const growBuffers = () => {
    for (const { connection } of internals.iceTransports) {
      for (const { transport } of connection.protocols) {
        const socket = transport?.socket
        if (!socket || grown.has(socket)) continue
        grown.add(socket)
        try {
          socket.setRecvBufferSize(gathering.socketBufferBytes)
          socket.setSendBufferSize(gathering.socketBufferBytes)
        } catch {
          // A system that refuses so much keeps its default; transfers are slower, not wrong.
        }
      }
    }
  }
  internals.gatherCandidates = async () => {
    if (!gathering.askStun)
      for (const { connection } of internals.iceTransports) connection.stunServer = undefined
    const capped = new AbortController()
    const all = gatherCandidates().finally(() => capped.abort())
    await Promise.race([
      all,
      delay(gathering.gatherWaitMs, undefined, { signal: capped.signal }).catch(() => {}),
    ])
    growBuffers()
  }
  // A socket whose host candidate came after the wait.
  pc.onIceCandidate.subscribe(growBuffers)
}

/**
 * werift sends its DTLS Finished as record (epoch 1, number k ≤ 8) and then numbers application data from 1 again, so
 * that number k is used twice: a nonce used twice for AES-GCM (RFC 5288 §3), and to the other side a replayed record
 * (RFC 6347 §4.1.2.6), which it drops and which SCTP repeats a second later. Numbers may skip, so they start at 64.
 */
function freshRecordNumbers(transport: RTCDtlsTransport): void {
  transport.onStateChange.subscribe(state => {
    if (state !== 'connected') return
    const context = (transport.dtls as unknown as { dtls: { recordSequenceNumber: number } } | undefined)
      ?.dtls
    if (context) context.recordSequenceNumber = Math.max(64, context.recordSequenceNumber)
  })
}

/** What werift declares private of an SCTP association. Times in seconds. */
interface Association {
  rto: number
  cwnd: number
  readonly srtt?: number
  readonly rttvar?: number
  updateRto(sample: number): void
  transmit(): Promise<void>
}

/** As libwebrtc's dcSCTP has it; werift follows RFC 9260 §16 with 1 s, so that one lost tail stalls playback. */
const minRto = 0.4

/**
 * Chromium's UDP sockets hold some 56 packets. More than that in flight on a LAN, where nothing spaces them, is lost
 * whenever the browser does not run for a few milliseconds.
 */
const burstBytes = 48 * 1200

/** Beyond a LAN the round trip spreads packets: what such a path may carry, bytes a second. */
const pathBps = 20_000_000

/** Losses on a busy machine cost 0.4 s instead of seconds, and most of them do not happen. */
function steadyAssociation(sctp: object): void {
  const association = sctp as Association
  const updateRto = association.updateRto.bind(sctp)
  const transmit = association.transmit.bind(sctp)
  // The smallest sample is the path; the mean holds the queues of a busy machine, which a larger window only feeds.
  let path = Number.POSITIVE_INFINITY
  Object.assign(sctp, {
    updateRto(sample: number) {
      updateRto(sample)
      path = Math.min(path, sample)
      const { srtt, rttvar } = association
      if (srtt !== undefined && rttvar !== undefined)
        association.rto = Math.max(minRto, Math.min(srtt + 4 * rttvar, 60))
    },
    transmit() {
      association.cwnd = Math.min(association.cwnd, Math.max(burstBytes, path * pathBps))
      return transmit()
    },
  })
}

function once<T extends object>(done: WeakSet<object>, thing: T, act: (thing: T) => void): void {
  if (done.has(thing)) return
  done.add(thing)
  act(thing)
}
