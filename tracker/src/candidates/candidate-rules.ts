import ipaddr from 'ipaddr.js'
import { type Address, isPrivate, parseAddress, prefixKey } from '../address/address.ts'
import type { Candidate } from './candidate.ts'

/** Why a candidate was taken out. */
export const stripReasons = [
  'malformed',
  'name',
  'special',
  'foreign',
  'relay',
  'tcp',
  'port',
  'many',
] as const
export type StripReason = (typeof stripReasons)[number]

export interface Sender {
  /** As the tracker sees it. */
  readonly address: Address
  /** Its site, or null. */
  readonly site: string | null
  /** Which site an address belongs to. */
  readonly siteOf: (address: Address) => string | null
  /** Whether candidates of TURN servers pass. */
  readonly relays: boolean
}

/** How an address stands to the sender; `unseen`: public, and the tracker cannot know whether it is the sender's. */
type Standing = 'own' | 'site' | 'private' | 'special' | 'unseen' | 'foreign'

/** Distinct networks one client may name without our seeing them: the other family, and a second line. */
const mostUnseen = 4
/** Addresses remembered for one client; a laptop with VPN and containers has about ten. */
const remembered = 16

/**
 * Decides which addresses one client may have others dial. A browser sends a few packets to whatever candidate it is
 * given, so a candidate that is not the sender's own makes viewers knock at a third party's door.
 *
 * A public address passes when it lies in the sender's /24 or /56 as the tracker sees it (address pools of carriers
 * hand neighbouring addresses to one customer's flows), or in its site. Of the family it did not connect by, and
 * behind a private address, we cannot know: there a handful of networks pass per socket, since a dual-stack viewer
 * who announces over IPv6 is otherwise never found over IPv4.
 */
export class CandidateRules {
  readonly #sender: Sender
  readonly #standings = new Map<string, Standing>()
  readonly #unseen = new Set<string>()

  constructor(sender: Sender) {
    this.#sender = sender
  }

  /** null: it passes. `inside`: nothing may lead out of the sender's network. */
  judge({ address, port, transport, type, active }: Candidate, inside: boolean): StripReason | null {
    if (type === 'relay') return this.#judgeRelay(address, inside)
    // A browser that connects by TCP where it is told to is a port scanner; the kind that only dials is never dialled.
    if (transport === 'tcp' && !active) return 'tcp'
    // NATs keep ephemeral ports above the well-known ones (RFC 4787 REQ-3), where other services listen.
    if (port < 1_024 && !active) return 'port'
    return this.judgeAddress(address, inside)
  }

  judgeAddress(address: string, inside: boolean): StripReason | null {
    if (isLocalName(address)) return null
    const standing = this.#standing(address)
    switch (standing) {
      case null:
        return 'name'
      case 'own':
      case 'site':
      case 'private':
        return null
      case 'special':
        return 'special'
      case 'unseen':
        return inside || !this.#admits(address) ? 'foreign' : null
      case 'foreign':
        return 'foreign'
    }
  }

  #judgeRelay(address: string, inside: boolean): StripReason | null {
    if (!this.#sender.relays || inside) return 'relay'
    const standing = this.#standing(address)
    return standing === null ? 'name' : standing === 'special' ? 'special' : null
  }

  #standing(text: string): Standing | null {
    const known = this.#standings.get(text)
    if (known !== undefined) return known
    const address = parseAddress(text)
    if (address === null) return null
    const standing = this.#classify(address)
    if (this.#standings.size >= remembered) this.#standings.clear()
    // A slice would keep the whole session description alive.
    this.#standings.set(` ${text}`.slice(1), standing)
    return standing
  }

  #classify(address: Address): Standing {
    const { address: seen, site, siteOf } = this.#sender
    const range = rangeOf(address)
    // On the tracker's own machine, a developer's, loopback is where the sender is; nobody else may be sent there.
    if (range === 'loopback') return rangeOf(seen) === 'loopback' ? 'own' : 'special'
    if (isMetadata(address)) return 'special'
    if (isPrivate(address)) return 'private'
    if (!dialled.has(range)) return 'special'
    if (prefixKey(address) === prefixKey(seen)) return 'own'
    if (site !== null && siteOf(address) === site) return 'site'
    return address.family !== seen.family || isPrivate(seen) ? 'unseen' : 'foreign'
  }

  #admits(text: string): boolean {
    const address = parseAddress(text)
    if (address === null) return false
    const network = prefixKey(address)
    if (this.#unseen.has(network)) return true
    if (this.#unseen.size >= mostUnseen) return false
    this.#unseen.add(network)
    return true
  }
}

/**
 * Ranges beside the private ones in which a peer may be: not multicast, broadcast, NAT64, 6to4, Teredo and the like.
 * `reserved` holds the documentation networks, which labs use as their internet.
 */
const dialled = new Set(['unicast', 'benchmarking', 'reserved'])

function rangeOf({ bytes }: Address): string {
  return ipaddr.fromByteArray([...bytes]).range()
}

/** Where clouds serve a machine's credentials. */
function isMetadata({ text }: Address): boolean {
  return text === '169.254.169.254' || text === 'fd00:ec2::254' || text === '100.100.100.200'
}

/** A name that only the sender's own network resolves (RFC 6762 §3); any other would be looked up in DNS. */
function isLocalName(address: string): boolean {
  return address.length > 6 && address.length <= 70 && /^[\w-]+\.local$/i.test(address)
}
