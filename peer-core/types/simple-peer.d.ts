/**
 * simple-peer 9.11.1, as much of it as we use. Package.json maps `#simple-peer` to its source in Node and to its
 * self-contained build in browsers.
 */
declare module '#simple-peer' {
  export interface Wrtc {
    readonly RTCPeerConnection: new (config?: RTCConfiguration) => RTCPeerConnection
    readonly RTCSessionDescription: new (description: RTCSessionDescriptionInit) => RTCSessionDescriptionInit
    readonly RTCIceCandidate: new (candidate: RTCIceCandidateInit) => RTCIceCandidateInit
  }

  export interface SimplePeerOptions {
    readonly initiator: boolean
    readonly trickle: boolean
    readonly config: RTCConfiguration
    readonly wrtc?: Wrtc
    /** Milliseconds to wait for all candidates when not trickling. @default 5000 */
    readonly iceCompleteTimeout?: number
  }

  export type Signal =
    | { readonly type: 'offer' | 'answer'; readonly sdp: string }
    | { readonly type: 'candidate'; readonly candidate: RTCIceCandidateInit }
    | { readonly type: 'renegotiate' | 'transceiverRequest' }

  interface PeerEvents {
    signal: [Signal]
    connect: []
    data: [Uint8Array]
    error: [Error & { code?: string }]
    close: []
  }

  export default class SimplePeer {
    constructor(options: SimplePeerOptions)
    readonly destroyed: boolean
    readonly connected: boolean
    signal(data: { type: 'offer' | 'answer'; sdp: string } | { candidate: RTCIceCandidateInit }): void
    send(chunk: Uint8Array): void
    destroy(): void
    on<K extends keyof PeerEvents>(event: K, listener: (...args: PeerEvents[K]) => void): this

    /** Private in the package, see simple-peer.ts for why each is touched. */
    readonly _channel: RTCDataChannel | null
    readonly _pc: RTCPeerConnection | null
    readonly _iceCompleteTimer: ReturnType<typeof setTimeout> | null
  }
}
