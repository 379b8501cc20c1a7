import type { PeerId, PeerMessage } from '../../../peer-core/src/core/messages.ts'
import { blockBytes, runBytes } from '../../../peer-core/src/core/messages.ts'
import type { HostView } from '../host.ts'
import type { Invariant, Report } from './violation.ts'

/** One connection as one side speaks on it. */
interface Wire {
  highest: number
  readonly tracks: Set<number>
  readonly keys: Map<number, string>
  readonly hashed: Set<string>
  /** Requests of theirs that wait for an answer. */
  readonly owed: Map<string, number>
  /** Requests of ours that wait for one. */
  asked: number
}

/** What we promise to peers in the handshake of the simulator. */
const requestQueue = 256

/** The rules of DESIGN §6 that a real wire would choke on. */
export function wireIsKept(report: Report): Invariant {
  const wires = new Map<HostView, Map<PeerId, Wire>>()
  const wireOf = (host: HostView, peer: PeerId): Wire | undefined => wires.get(host)?.get(peer)

  return {
    input(host, _now, input) {
      if (input.type === 'peerJoined') {
        const own = wires.get(host) ?? new Map<PeerId, Wire>()
        wires.set(host, own.set(input.peer, newWire()))
      } else if (input.type === 'peerLeft') wires.get(host)?.delete(input.peer)
      else if (input.type === 'message') {
        const wire = wireOf(host, input.peer)
        if (wire !== undefined) hear(wire, input.message)
      }
    },
    output(host, _now, output) {
      if (output.type === 'closePeer') wires.get(host)?.delete(output.peer)
      if (output.type !== 'send') return
      const wire = wireOf(host, output.peer)
      if (wire === undefined) {
        return report(host, 'wire', `sends ${output.message.type} to ${output.peer}, who is not connected`)
      }
      const fault = say(wire, output.message, output.key, host)
      if (fault !== null) report(host, 'wire', `${fault} (to ${output.peer.slice(0, 6)})`)
    },
    closed: host => void wires.delete(host),
  }
}

function newWire(): Wire {
  return { highest: -1, tracks: new Set(), keys: new Map(), hashed: new Set(), owed: new Map(), asked: 0 }
}

function hear(wire: Wire, message: PeerMessage): void {
  if (message.type === 'request') {
    const name = nameOf(message)
    wire.owed.set(name, (wire.owed.get(name) ?? 0) + 1)
  } else if (message.type === 'piece' || message.type === 'reject') wire.asked--
}

/** What is wrong with sending this, or null. */
function say(wire: Wire, message: PeerMessage, key: string | null, host: HostView): string | null {
  switch (message.type) {
    case 'track':
      if (wire.tracks.has(message.id)) return `names track ${message.id} twice`
      wire.tracks.add(message.id)
      return null
    case 'offer':
      if (message.n <= wire.highest) return `offer ${message.n} after ${wire.highest}: numbers only rise`
      if (!wire.tracks.has(message.track))
        return `offer ${message.n} of track ${message.track}, not named yet`
      wire.highest = message.n
      return null
    case 'grow':
    case 'withdraw':
    case 'have':
      return message.n > wire.highest ? `${message.type} of ${message.n}, never offered` : null
    case 'hashes':
      if (key !== null) wire.hashed.add(key)
      return key === null ? 'hashes of no segment' : null
    case 'request': {
      wire.asked++
      if (message.length <= 0 || message.length > runBytes) return `asks for ${message.length} bytes at once`
      return wire.asked > requestQueue ? `${wire.asked} requests outstanding` : null
    }
    case 'piece':
    case 'reject': {
      const name = nameOf(message)
      const owed = wire.owed.get(name) ?? 0
      if (owed === 0) return `${message.type} ${name}, which was not asked for or was answered`
      if (owed === 1) wire.owed.delete(name)
      else wire.owed.set(name, owed - 1)
      if (message.type === 'reject') return null
      const segment = key === null ? undefined : host.shelf.holding(key)?.segment
      if (segment === undefined || segment.root === '' || segment.size <= blockBytes) return null
      return wire.hashed.has(segment.key) ? null : `piece of ${segment.key} before its hashes`
    }
    default:
      return null
  }
}

function nameOf(message: { readonly n: number; readonly offset: number; readonly length: number }): string {
  return `${message.n}:${message.offset}+${message.length}`
}
