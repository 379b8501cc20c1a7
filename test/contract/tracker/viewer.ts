import { type RawData, WebSocket } from 'ws'

export type Message = Readonly<Record<string, unknown>>

/** One socket of the suite: what it says and what it hears. */
export class Viewer {
  readonly socket: WebSocket
  readonly closed: Promise<number>
  readonly #patienceMs: number
  readonly #heard: Message[] = []
  #closeCode: number | null = null
  #scrapes = 0
  #wake: () => void = () => {}

  private constructor(socket: WebSocket, patienceMs: number) {
    this.socket = socket
    this.#patienceMs = patienceMs
    socket.on('message', data => this.#take(data))
    socket.on('error', () => {})
    this.closed = new Promise(resolve => {
      socket.on('close', code => {
        this.#closeCode = code
        this.#wake()
        resolve(code)
      })
    })
  }

  /** `from`: the address that a trusted proxy states. */
  static async open(url: string, from: string, patienceMs: number): Promise<Viewer> {
    const socket = new WebSocket(url, { perMessageDeflate: false, headers: { 'X-Forwarded-For': from } })
    const viewer = new Viewer(socket, patienceMs)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return viewer
  }

  get isOpen(): boolean {
    return this.#closeCode === null
  }

  say(value: unknown): void {
    this.socket.send(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value))
  }

  /** Waits for the next message of this kind and takes it out; earlier others stay. */
  async next(what: string, fits: (message: Message) => boolean, ms = this.#patienceMs): Promise<Message> {
    const until = performance.now() + ms
    for (;;) {
      const at = this.#heard.findIndex(fits)
      if (at >= 0) return this.#heard.splice(at, 1)[0] as Message
      if (this.#closeCode !== null) throw new Error(`closed with ${this.#closeCode} instead of ${what}`)
      const left = until - performance.now()
      if (left <= 0) throw new Error(`no ${what} came`)
      await this.#change(left)
    }
  }

  response(ms?: number): Promise<Message> {
    const isResponse = (message: Message) => message['interval'] !== undefined && !('offer' in message)
    return this.next('announce response', isResponse, ms)
  }

  offer(): Promise<Message> {
    return this.next('offer', message => message['offer'] !== undefined)
  }

  answer(): Promise<Message> {
    return this.next('answer', message => message['answer'] !== undefined)
  }

  /** A failure, or the code of the close that stands for one. */
  async refusal(): Promise<Message | number> {
    try {
      return await this.next('refusal', message => message['failure reason'] !== undefined)
    } catch (error) {
      if (this.#closeCode !== null) return this.#closeCode
      throw error
    }
  }

  /**
   * Returns once the tracker has read all that was said here, and all it had to say to this viewer is in: it answers
   * one socket's messages in order. So "nothing came" needs no waiting.
   */
  async settle(): Promise<void> {
    if (!this.isOpen) return
    const before = this.#scrapes
    const until = performance.now() + this.#patienceMs
    this.say({ action: 'scrape', info_hash: '~'.repeat(20) })
    while (this.#scrapes === before && this.isOpen) {
      const left = until - performance.now()
      if (left <= 0) throw new Error('the tracker answers no more')
      await this.#change(left)
    }
  }

  /** The code with which the tracker closes this socket. */
  async end(): Promise<number> {
    const until = performance.now() + this.#patienceMs
    while (this.#closeCode === null) {
      const left = until - performance.now()
      if (left <= 0) throw new Error('the tracker did not close the socket')
      await this.#change(left)
    }
    return this.#closeCode
  }

  /** What was heard and not taken out, scrapes of `settle` aside. */
  heard(): readonly Message[] {
    return this.#heard.splice(0)
  }

  #take(data: RawData): void {
    const message = JSON.parse(String(data)) as Message
    const files = message['files']
    if (
      message['action'] === 'scrape' &&
      typeof files === 'object' &&
      files !== null &&
      '~'.repeat(20) in files
    ) {
      this.#scrapes++
    } else this.#heard.push(message)
    this.#wake()
  }

  #change(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
