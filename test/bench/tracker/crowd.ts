import { WebSocket } from 'ws'
import { createIds, createMachine, type Ids, seeded, writeDescription } from './messages.ts'
import { Pieces } from './pieces.ts'

/** Viewers of one address, and how many such addresses share a swarm: by chance 3.5 % of matches would be at home. */
const addressesPerSwarm = 28
export const offersPerTransaction = 5
/** A viewer that made this many transactions comes back as a new one: a tracker remembers whom it introduced. */
const transactionsPerLife = 3
const opening = 100
const patienceMs = 30_000

interface Member {
  readonly socket: WebSocket
  readonly index: number
  readonly infoHash: string
  /** Session descriptions as JSON strings; it sends them in turn. */
  readonly descriptions: readonly string[]
  peerId: string
  transactions: number
}

export interface Layout {
  readonly url: string
  readonly connections: number
  /** Members of one swarm. */
  readonly swarmSize: number
  readonly seed: number
}

export interface Burst {
  readonly transactions: number
  /** Transactions under way at once. */
  readonly window: number
}

export interface BurstFigures {
  readonly transactions: number
  /** From the announce to each offer at its receiver, ms. */
  readonly offerMs: readonly number[]
  /** Offers whose two ends share an address ÷ offers. */
  readonly sameAddressShare: number
}

interface Transaction {
  readonly member: Member
  readonly sentAt: number
  answers: number
  readonly done: () => void
}

/** Many viewers in one process: they connect, join and trade offers as fast as told. */
export class Crowd {
  readonly #layout: Layout
  readonly #ids: Ids
  readonly #random: () => number
  readonly #members: Member[] = []
  readonly #byPeerId = new Map<string, Member>()
  /** By offer id. */
  readonly #open = new Map<string, Transaction>()
  readonly #pieces: Pieces
  #onResponse: (() => void) | null = null
  #cursor = 0
  #turn = 0
  #offerMs: number[] = []
  #offers = 0
  #atHome = 0
  #failure: Error | null = null

  constructor(layout: Layout) {
    this.#layout = layout
    this.#random = seeded(layout.seed)
    this.#ids = createIds(this.#random)
    this.#pieces = new Pieces(layout.connections)
  }

  /** Opens all sockets; each says hello with an announce without offers, as viewers of a quiet channel do. */
  async join(): Promise<void> {
    const { connections, swarmSize } = this.#layout
    const hashes = Array.from({ length: Math.ceil(connections / swarmSize) }, () => this.#ids.bytes())
    for (let from = 0; from < connections; from += opening) {
      const indices = Array.from({ length: Math.min(opening, connections - from) }, (_, i) => from + i)
      const members = await Promise.all(
        indices.map(i => this.#connect(i, hashes[Math.floor(i / swarmSize)] ?? '')),
      )
      this.#members.push(...members)
      await this.#hearAll(members.length, () => {
        for (const member of members) this.#announce(member, 'started')
      })
    }
  }

  /** Everybody in turn makes an announce with five offers, all of which are answered. */
  async trade({ transactions, window }: Burst): Promise<BurstFigures> {
    await this.#renew(transactions)
    this.#offerMs = []
    this.#offers = 0
    this.#atHome = 0
    let left = transactions
    const work = async () => {
      while (left-- > 0) await this.#transact()
    }
    await Promise.all(Array.from({ length: Math.min(window, transactions) }, work))
    return {
      transactions,
      offerMs: this.#offerMs,
      sameAddressShare: this.#atHome / Math.max(1, this.#offers),
    }
  }

  /** The largest piece of the swarm, if every offer so far became a link; ÷ all members. */
  largestPiece(): number {
    return this.#pieces.largest() / this.#members.length
  }

  close(): void {
    for (const { socket } of this.#members) socket.terminate()
  }

  async #connect(index: number, infoHash: string): Promise<Member> {
    const socket = new WebSocket(this.#layout.url, {
      perMessageDeflate: false,
      headers: { 'X-Forwarded-For': this.#address(index) },
    })
    const machine = createMachine(this.#address(index), this.#random)
    const descriptions = Array.from({ length: 4 }, () => writeDescription(machine, this.#random))
    const member = { socket, index, infoHash, descriptions, peerId: this.#ids.peerId(), transactions: 0 }
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    socket.on('message', data => this.#hear(member, data.toString()))
    socket.on('error', error => this.#fail(error))
    socket.on('close', code => this.#fail(new Error(`the server closed a socket with code ${code}`)))
    this.#byPeerId.set(member.peerId, member)
    return member
  }

  #address(index: number): string {
    const swarm = Math.floor(index / this.#layout.swarmSize)
    // Swarms larger than a thousand have more addresses, not more crowded ones.
    const addresses = Math.max(
      addressesPerSwarm,
      Math.round((addressesPerSwarm * this.#layout.swarmSize) / 1_000),
    )
    return `${20 + swarm}.${index % addresses}.${swarm}.7`
  }

  /** New viewers take the seats of those who have met enough of the others. */
  async #renew(transactions: number): Promise<void> {
    const share = transactions / this.#members.length
    const tired = this.#members.filter(member => member.transactions + share > transactionsPerLife)
    if (tired.length < this.#members.length / 2) return
    for (let from = 0; from < tired.length; from += opening) {
      const some = tired.slice(from, from + opening)
      await this.#hearAll(2 * some.length, () => {
        for (const member of some) {
          this.#announce(member, 'stopped')
          this.#byPeerId.delete(member.peerId)
          member.peerId = this.#ids.peerId()
          member.transactions = 0
          this.#byPeerId.set(member.peerId, member)
          this.#announce(member, 'started')
        }
      })
    }
  }

  #announce({ socket, infoHash, peerId }: Member, event: 'started' | 'stopped'): void {
    const head = { action: 'announce', info_hash: infoHash, peer_id: peerId, numwant: 0, event, left: 1 }
    socket.send(JSON.stringify({ ...head, uploaded: 0, downloaded: 0, offers: [] }))
  }

  #hearAll(count: number, act: () => void): Promise<void> {
    let left = count
    return this.#patiently(resolve => {
      this.#onResponse = () => {
        if (--left > 0) return
        this.#onResponse = null
        resolve()
      }
      act()
    })
  }

  #transact(): Promise<void> {
    const member = this.#members[this.#cursor++ % this.#members.length]!
    member.transactions++
    const ids = Array.from({ length: offersPerTransaction }, () => this.#ids.bytes())
    const offers = ids.map(
      id => `{"offer":{"type":"offer","sdp":${this.#description(member)}},"offer_id":${JSON.stringify(id)}}`,
    )
    const { socket, infoHash, peerId } = member
    const head = { numwant: offersPerTransaction, uploaded: 0, downloaded: 0, left: 1 }
    const ends = { action: 'announce', info_hash: infoHash, peer_id: peerId }
    return this.#patiently(done => {
      const transaction = { member, sentAt: performance.now(), answers: 0, done }
      for (const id of ids) this.#open.set(id, transaction)
      socket.send(`${JSON.stringify({ ...head, ...ends }).slice(0, -1)},"offers":[${offers.join()}]}`)
    })
  }

  #hear(member: Member, text: string): void {
    const message = JSON.parse(text) as Record<string, unknown>
    const offerId = message['offer_id'] as string
    if (message['failure reason'] !== undefined) return this.#fail(new Error(`refused: ${text}`))
    if (message['offer'] !== undefined) return this.#answer(member, message['peer_id'] as string, offerId)
    if (message['answer'] === undefined) return this.#onResponse?.()
    const transaction = this.#open.get(offerId)
    if (transaction?.member !== member) return
    this.#open.delete(offerId)
    if (++transaction.answers === offersPerTransaction) transaction.done()
  }

  #answer(receiver: Member, from: string, offerId: string): void {
    const transaction = this.#open.get(offerId)
    const offerer = this.#byPeerId.get(from)
    if (transaction === undefined || offerer === undefined) return
    this.#offerMs.push(performance.now() - transaction.sentAt)
    this.#offers++
    if (this.#address(receiver.index) === this.#address(offerer.index)) this.#atHome++
    this.#pieces.link(receiver.index, offerer.index)
    const head = { action: 'announce', info_hash: receiver.infoHash, peer_id: receiver.peerId }
    const rest = JSON.stringify({ ...head, to_peer_id: from, offer_id: offerId }).slice(0, -1)
    receiver.socket.send(`${rest},"answer":{"type":"answer","sdp":${this.#description(receiver)}}}`)
  }

  #description({ descriptions }: Member): string {
    return descriptions[this.#turn++ % descriptions.length] ?? '""'
  }

  /** A server that loses an offer would be waited for without end. */
  #patiently(start: (resolve: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure)
      const timer = setTimeout(
        () => reject(this.#failure ?? new Error('not everything came back')),
        patienceMs,
      )
      start(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #fail(error: Error): void {
    this.#failure ??= error
  }
}
