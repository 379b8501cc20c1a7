import type { Place } from '../../peer-core/src/core/events.ts'
import type { PeerId } from '../../peer-core/src/core/messages.ts'
import type { Books } from './books.ts'
import type { Clock } from './clock.ts'
import { type Cargo, createFlow, type Flow } from './flow.ts'
import type { Dice } from './random.ts'
import type { Partition } from './scenario.ts'
import type { Station } from './station.ts'
import type { Segment } from './stream.ts'

/** What goes over a link in one piece: a batch of control messages, or one message with payload. */
interface Packet {
  /** The policy's own message; the receiver runs the same policy. */
  readonly body: unknown
  readonly controlBytes: number
  /** Block hashes among them. */
  readonly digestBytes: number
  readonly mediaBytes: number
  /** Whose bytes the payload is. */
  readonly segment: Segment | null
}

/** One end of an established connection. After close it does nothing. */
export interface Link {
  readonly peer: PeerId
  readonly place: Place
  /** Packets without media overtake those with, as long as these still wait here. */
  send(packet: Packet): void
  queuedBytes(): number
  /** What came before is kept, in order. */
  listen(events: LinkEvents): void
  close(reason: string): void
}

interface LinkEvents {
  onPacket(body: unknown): void
  onDrained(queuedBytes: number): void
  onClose(reason: string): void
}

export interface NetworkPlan {
  readonly setupMs: readonly [number, number]
  /** Share of dials that fail. */
  readonly dialFailure: number
  /** One way between two sites, ms. */
  readonly outsideDelayMs: readonly [number, number]
  /** How long until ICE notices that the other machine is gone, ms. */
  readonly iceTimeoutMs: readonly [number, number]
  /** While a site is in two: its viewers with an even index and those with an odd one do not reach each other. */
  readonly partitions: readonly Partition[]
}

interface DialEvents {
  opened(at: Station, link: Link): void
  failed(): void
  /** Once both know that the connection is over. */
  lost(): void
}

export interface Network {
  place(a: Station, b: Station): Place
  /** Both get their end, the dialler first by half a trip; or the dial fails and the dialler alone hears of it. */
  dial(from: Station, to: Station, events: DialEvents): void
  /** The machine stops between two instructions: nobody is told. */
  kill(station: Station): void
  /** It closes its links and says so. */
  part(station: Station): void
  linksOf(station: Station): number
}

/** A data channel's buffer is reported when it falls below half of what the core lets wait in it. */
const drainedBelow = 131_072

export function createNetwork(clock: Clock, dice: Dice, books: Books, plan: NetworkPlan): Network {
  const ends = new Map<Station, Set<End>>()
  let partition: Partition | null = null

  const isSplit = (a: Station, b: Station): boolean =>
    partition !== null && a.site === b.site && a.index % 2 !== b.index % 2

  /** ICE gives up a silent link after a while, unless the network heals before. */
  const split = (now: Partition): void => {
    partition = now
    for (const known of ends.values()) {
      for (const end of known) {
        if (!isSplit(end.station, end.other.station)) continue
        end.hold()
        clock.after(dice.between(...plan.iceTimeoutMs), () => {
          if (isSplit(end.station, end.other.station)) end.hangUp('ice-failed')
        })
      }
    }
  }

  /** What was held back comes with the next retransmission, backed off over the seconds of silence (RFC 9260 §6.3). */
  const heal = (): void => {
    partition = null
    for (const known of ends.values())
      for (const end of known) if (end.isHeld) clock.after(dice.between(...retransmitMs), () => end.release())
  }

  for (const plannedSplit of plan.partitions) {
    clock.at(plannedSplit.fromMs, () => split(plannedSplit))
    clock.at(plannedSplit.toMs, heal)
  }

  const place = (a: Station, b: Station): Place => (a.site === b.site ? 'group' : 'outside')

  const delayBetween = (a: Station, b: Station): number =>
    a.site === b.site ? a.site.lanDelayMs : dice.between(...plan.outsideDelayMs)

  const connect = (a: Station, b: Station, lost: () => void): readonly [End, End] => {
    const delayMs = delayBetween(a, b)
    const near = new End(clock, books, a, b, delayMs)
    const far = new End(clock, books, b, a, delayMs)
    const ended = (): void => {
      if (near.isOpen || far.isOpen) return
      ends.get(a)?.delete(near)
      ends.get(b)?.delete(far)
      lost()
    }
    near.join(far, ended)
    far.join(near, ended)
    for (const end of [near, far]) {
      const known = ends.get(end.station) ?? new Set()
      known.add(end)
      ends.set(end.station, known)
    }
    return [near, far]
  }

  return {
    place,
    dial(from, to, { opened, failed, lost }) {
      const setupMs = dice.between(...plan.setupMs)
      if (dice.chance(plan.dialFailure)) return void clock.after(setupMs + dialTimeoutMs, failed)
      clock.after(setupMs, () => {
        if (!from.alive) return
        if (!to.alive || isSplit(from, to)) return void clock.after(dialTimeoutMs, failed)
        const [near, far] = connect(from, to, lost)
        opened(from, near)
        clock.after(near.delayMs, () => {
          if (to.alive && far.isOpen) opened(to, far)
        })
      })
    },
    kill(station) {
      for (const end of ends.get(station) ?? []) {
        end.vanish()
        const { other } = end
        clock.after(dice.between(...plan.iceTimeoutMs), () => other.hangUp('ice-failed'))
      }
      ends.delete(station)
    },
    part(station) {
      for (const end of ends.get(station) ?? []) end.close('remote-closed')
      ends.delete(station)
    },
    linksOf(station) {
      let open = 0
      for (const end of ends.get(station) ?? []) if (end.isOpen && end.other.isOpen) open++
      return open
    },
  }
}

/** How long a dial is believed in when candidates answer nothing. */
const dialTimeoutMs = 5_000
const retransmitMs = [100, 3_000] as const
/** A close that cannot be said is noticed as any silence. */
const unheardCloseMs = 15_000

/** A packet on its way to the other end. */
class Freight implements Cargo {
  readonly bytes: number
  readonly #from: End
  readonly #packet: Packet

  constructor(from: End, packet: Packet, bytes: number) {
    this.bytes = bytes
    this.#from = from
    this.#packet = packet
  }

  get urgent(): boolean {
    return this.#packet.mediaBytes === 0
  }

  arrive(slice: number, last: boolean): void {
    this.#from.arrive(this.#packet, slice, last)
  }
}

class End implements Link {
  readonly station: Station
  readonly peer: PeerId
  readonly place: Place
  readonly delayMs: number
  readonly #clock: Clock
  readonly #books: Books
  readonly #flow: Flow
  #other: End | null = null
  #ended: () => void = () => {}
  #events: LinkEvents | null = null
  #early: unknown[] = []
  #open = true
  /** Media given since the sender was last told what waits: it believes at most this much does. */
  #owed = 0
  #telling = false
  /** Packets that the network does not let through for now; null while it does. */
  #held: Packet[] | null = null
  #heldMediaBytes = 0

  constructor(clock: Clock, books: Books, station: Station, remote: Station, delayMs: number) {
    this.#clock = clock
    this.#books = books
    this.station = station
    this.peer = remote.id
    this.place = station.site === remote.site ? 'group' : 'outside'
    this.delayMs = delayMs
    const lines =
      this.place === 'group'
        ? [station.access.up, remote.access.down]
        : [station.access.up, station.site.up, remote.site.down, remote.access.down]
    this.#flow = createFlow(
      clock,
      { lines, delayMs },
      { onWaste: bytes => books.waste(bytes), onSent: waiting => this.#sent(waiting) },
    )
  }

  join(other: End, ended: () => void): void {
    this.#other = other
    this.#ended = ended
  }

  get other(): End {
    if (this.#other === null) throw new Error('a link with one end')
    return this.#other
  }

  get isOpen(): boolean {
    return this.#open
  }

  get isHeld(): boolean {
    return this.#held !== null
  }

  /** From now on nothing arrives. */
  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = null
    this.#heldMediaBytes = 0
    for (const packet of held) this.send(packet)
  }

  send(packet: Packet): void {
    if (!this.#open) return
    if (this.#held !== null) {
      this.#held.push(packet)
      this.#heldMediaBytes += packet.mediaBytes
      return
    }
    const crosses = this.place === 'outside'
    const bytes = packet.controlBytes + packet.mediaBytes
    this.#books.control('wire', packet.controlBytes - packet.digestBytes, crosses)
    this.#books.control('digests', packet.digestBytes, crosses)
    this.#owed += packet.mediaBytes
    this.#flow.push(new Freight(this, packet, bytes))
  }

  /** Told once the batch that emptied the channel is through, as `bufferedamountlow` comes after the task. */
  #sent(waiting: number): void {
    const worthTelling = waiting === 0 ? this.#owed > 0 : waiting < drainedBelow && this.#owed >= drainedBelow
    if (!worthTelling || this.#telling) return
    this.#telling = true
    this.#clock.after(0, () => {
      this.#telling = false
      this.#owed = this.#flow.waitingBytes()
      if (this.#open && this.station.alive) this.#events?.onDrained(this.#owed)
    })
  }

  arrive(packet: Packet, slice: number, last: boolean): void {
    const far = this.other
    const media = packet.mediaBytes > 0 ? Math.max(0, slice - (last ? packet.controlBytes : 0)) : 0
    if (packet.segment !== null && media > 0) {
      this.#books.peerMedia(this.station, far.station, packet.segment, media, this.#clock.now())
    }
    if (!far.#open || !far.station.alive) return this.#books.waste(media)
    if (!last) return
    this.#books.message(far.station)
    if (far.#events === null) far.#early.push(packet.body)
    else far.#events.onPacket(packet.body)
  }

  queuedBytes(): number {
    return this.#flow.waitingBytes() + this.#heldMediaBytes
  }

  listen(events: LinkEvents): void {
    this.#events = events
    for (const body of this.#early.splice(0)) events.onPacket(body)
  }

  close(reason: string): void {
    if (!this.#open) return
    this.vanish()
    const { other } = this
    const heardMs = this.isHeld ? unheardCloseMs : this.delayMs
    this.#clock.after(heardMs, () => other.hangUp(reason))
  }

  /** Stops without a word. */
  vanish(): void {
    if (!this.#open) return
    this.#open = false
    this.#flow.close()
    this.#ended()
  }

  /** The other side said goodbye, or ICE gave it up. */
  hangUp(reason: string): void {
    if (!this.#open) return
    this.vanish()
    if (this.station.alive) this.#events?.onClose(reason)
  }
}
