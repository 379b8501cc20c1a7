import { deepStrictEqual } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type Message, Viewer } from './viewer.ts'

/** One named demand of the protocol, checked over real sockets against any tracker. */
export interface Check {
  readonly name: string
  readonly run: (trial: Trial) => Promise<void>
}

export function check(name: string, run: Check['run']): Check {
  return { name, run }
}

/** An address of its own for whoever is not told another one. */
const home = '198.51.100.20'

/** What one check works with: a swarm that nobody else knows, and viewers who are gone when it ends. */
export class Trial {
  readonly url: string
  readonly hash: string
  readonly #salt = randomBytes(6).toString('base64url')
  readonly #patienceMs: number
  readonly #viewers: Viewer[] = []

  constructor(url: string, patienceMs: number) {
    this.url = url
    this.#patienceMs = patienceMs
    this.hash = this.id('swarm')
  }

  /** 20 characters that contain the name and are no other trial's. */
  id(name: string): string {
    return `${this.#salt}-${name}`.padEnd(20, '.')
  }

  async viewer(from: string = home): Promise<Viewer> {
    const viewer = await Viewer.open(this.url, from, this.#patienceMs)
    this.#viewers.push(viewer)
    return viewer
  }

  /** An announce of the named peer, with what `fields` say otherwise; undefined leaves a field out. */
  announce(name: string, fields: Message = {}): Message {
    const head = { action: 'announce', info_hash: this.hash, peer_id: this.id(name) }
    return { ...head, numwant: 5, uploaded: 0, downloaded: 0, left: 1, offers: [], ...fields }
  }

  offers(...names: readonly string[]): readonly Message[] {
    return names.map(name => ({ offer: { type: 'offer', sdp: `sdp ${name}` }, offer_id: this.id(name) }))
  }

  answer(from: string, to: string, offer: string, fields: Message = {}): Message {
    const head = { action: 'announce', info_hash: this.hash, peer_id: this.id(from) }
    const ends = { to_peer_id: this.id(to), offer_id: this.id(offer) }
    return { ...head, ...ends, answer: { type: 'answer', sdp: `sdp of ${from}` }, ...fields }
  }

  /** A viewer that has joined under this name. */
  async joined(name: string, fields: Message = {}, from: string = home): Promise<Viewer> {
    const viewer = await this.viewer(from)
    viewer.say(this.announce(name, fields))
    await viewer.response()
    return viewer
  }

  /** Seeders, leechers and completed downloads of this trial's swarm. */
  async counts(): Promise<Message> {
    const asker = await this.viewer()
    asker.say({ action: 'scrape', info_hash: this.hash })
    const { files } = await asker.next('scrape response', message => message['action'] === 'scrape')
    return (files as Record<string, Message>)[this.hash] ?? {}
  }

  async expectCounts(complete: number, incomplete: number): Promise<void> {
    const counts = await this.counts()
    same([counts['complete'], counts['incomplete']], [complete, incomplete], 'complete and incomplete')
  }

  /** The viewer is refused in a way that the reference client survives: by a complete failure, or by a close. */
  async expectRefusal(viewer: Viewer): Promise<void> {
    const refusal = await viewer.refusal()
    if (typeof refusal === 'number') return same(refusal, 1008, 'close code')
    const { action, info_hash } = refusal
    truth(action === 'announce' || action === 'scrape', 'the failure names no action')
    if (action === 'announce') same(info_hash, this.hash, 'info_hash of the failure')
  }

  close(): void {
    for (const { socket } of this.#viewers) socket.terminate()
  }
}

export function same(found: unknown, wanted: unknown, what: string): void {
  deepStrictEqual(found, wanted, `${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`)
}

export function truth(is: boolean, otherwise: string): void {
  if (!is) throw new Error(otherwise)
}
