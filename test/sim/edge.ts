import type { Books, ControlKind } from './books.ts'
import type { Clock } from './clock.ts'
import { type Cargo, createFlow, type Flow } from './flow.ts'
import type { Station } from './station.ts'
import type { Segment } from './stream.ts'

/** `busy`: answers 503 at once; `media-busy`: to media alone. `silent`: connections open and nothing comes. */
export interface Outage {
  readonly fromMs: number
  readonly toMs: number
  readonly how: 'busy' | 'media-busy' | 'silent'
}

export interface EdgePlan {
  /** From the request's arrival to the response's first byte, ms. */
  readonly thinkMs: number
  /** Round trips until a new connection carries a request: 1 for TCP, 1 more for TLS 1.3. */
  readonly setupRoundTrips: number
  readonly outages: readonly Outage[]
}

/** Why a request ended without its body. */
type EdgeTrouble = 'status' | 'busy' | 'timeout'

export interface EdgeAsk {
  /** What it is for; only media bodies count as copies. */
  readonly what: 'media' | Extract<ControlKind, 'playlists' | 'digests'>
  /** Whose bytes; null for a playlist. */
  readonly segment: Segment | null
  /** Body length. */
  readonly bytes: number
  onData(bytes: number): void
  onDone(): void
  onFail(trouble: EdgeTrouble): void
}

/** One viewer's HTTP client: six keep-alive connections, as browsers hold to an HTTP/1.1 host. */
export interface EdgeClient {
  fetch(ask: EdgeAsk): { abort(): void }
  close(): void
  /** Media bodies under way, bytes. */
  pendingBytes(): number
}

export interface Edge {
  open(station: Station): EdgeClient
  /** Who waits for most media now, the earliest of equals; null when nobody does. */
  busiest(): Station | null
}

const connectionsPerHost = 6
const headerBytes = 300
const firstByteTimeoutMs = 10_000

interface Connection {
  readonly flow: Flow
  ready: boolean
  /** The latest it carried: bytes that come after a cut were its. */
  ask: EdgeAsk | null
}

interface Request {
  readonly ask: EdgeAsk
  state: 'queued' | 'sent' | 'over'
  connection: Connection | null
  timeout: { cancel(): void } | null
}

export function createEdge(
  clock: Clock,
  books: Books,
  plan: EdgePlan,
  isPublished: (segment: Segment) => boolean,
): Edge {
  const outageNow = (): Outage | undefined =>
    plan.outages.find(outage => outage.fromMs <= clock.now() && clock.now() < outage.toMs)
  const clients = new Map<Station, EdgeClient>()
  return {
    open(station) {
      const client = createClient(clock, books, plan, station, isPublished, outageNow)
      clients.set(station, client)
      return client
    },
    busiest() {
      let busiest: Station | null = null
      let most = 0
      for (const [station, client] of clients) {
        if (!station.alive) clients.delete(station)
        else if (client.pendingBytes() > most) {
          most = client.pendingBytes()
          busiest = station
        }
      }
      return busiest
    },
  }
}

function createClient(
  clock: Clock,
  books: Books,
  plan: EdgePlan,
  station: Station,
  isPublished: (segment: Segment) => boolean,
  outageNow: () => Outage | undefined,
): EdgeClient {
  const delayMs = station.site.edgeDelayMs
  const idle: Connection[] = []
  const queue: Request[] = []
  const active = new Set<Request>()
  let open = 0
  let closed = false

  const count = (ask: EdgeAsk, bytes: number): void => {
    if (ask.what !== 'media') books.control(ask.what, bytes, true)
    else if (ask.segment !== null) books.edgeMedia(station, ask.segment, bytes, clock.now())
  }

  const connect = (): Connection => {
    const lines = [station.site.down, station.access.down]
    const onWaste = (bytes: number): void => {
      books.waste(bytes)
      if (connection.ask !== null) count(connection.ask, bytes)
    }
    const flow = createFlow(clock, { lines, delayMs }, { onWaste })
    const connection: Connection = { flow, ready: false, ask: null }
    open++
    return connection
  }

  const start = (request: Request): void => {
    const connection = idle.pop() ?? connect()
    request.state = 'sent'
    request.connection = connection
    connection.ask = request.ask
    active.add(request)
    const setupMs = connection.ready ? 0 : plan.setupRoundTrips * 2 * delayMs
    connection.ready = true
    books.control('headers', headerBytes, true)
    request.timeout = clock.after(firstByteTimeoutMs, () =>
      end(request, 'cut', () => request.ask.onFail('timeout')),
    )
    clock.after(setupMs + delayMs + plan.thinkMs, () => answer(request, connection))
  }

  const answer = (request: Request, connection: Connection): void => {
    if (request.state !== 'sent') return
    const { ask } = request
    const outage = outageNow()
    if (outage?.how === 'silent') return
    const isBusy = outage?.how === 'busy' || (outage?.how === 'media-busy' && ask.what === 'media')
    const trouble: EdgeTrouble | null = isBusy
      ? 'busy'
      : ask.segment !== null && !isPublished(ask.segment)
        ? 'status'
        : null
    let headers = headerBytes
    const cargo: Cargo = {
      bytes: headerBytes + (trouble === null ? ask.bytes : 0),
      urgent: false,
      arrive(bytes, last) {
        const head = Math.min(headers, bytes)
        headers -= head
        books.control('headers', head, true)
        const body = bytes - head
        if (body > 0) count(ask, body)
        if (request.state !== 'sent') return void books.waste(body)
        request.timeout?.cancel()
        if (body > 0) ask.onData(body)
        if (!last || (request.state as Request['state']) !== 'sent') return
        end(request, 'keep', () => (trouble === null ? ask.onDone() : ask.onFail(trouble)))
      },
    }
    connection.flow.push(cargo)
  }

  /** `cut`: an HTTP/1.1 request can only be given up with its connection; the edge hears of it half a trip later. */
  const end = (request: Request, how: 'keep' | 'cut', then: () => void): void => {
    if (request.state === 'over') return
    const connection = request.connection
    request.state = 'over'
    request.timeout?.cancel()
    active.delete(request)
    if (connection !== null) {
      if (how === 'keep') idle.push(connection)
      else {
        open--
        clock.after(delayMs, () => connection.flow.close())
      }
    }
    if (!closed) next()
    then()
  }

  const next = (): void => {
    while (queue.length > 0 && (idle.length > 0 || open < connectionsPerHost)) start(queue.shift()!)
  }

  return {
    fetch(ask) {
      const request: Request = { ask, state: 'queued', connection: null, timeout: null }
      queue.push(request)
      next()
      return {
        abort() {
          const place = queue.indexOf(request)
          if (place >= 0) queue.splice(place, 1)
          end(request, 'cut', () => {})
        },
      }
    },
    pendingBytes() {
      let bytes = 0
      for (const { ask } of active) if (ask.what === 'media') bytes += ask.bytes
      return bytes
    },
    close() {
      closed = true
      queue.length = 0
      for (const request of [...active]) end(request, 'cut', () => {})
    },
  }
}
