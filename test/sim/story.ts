import type { FailReason, Input, Output, Urgency } from '../../peer-core/src/core/events.ts'
import type { PeerId, PeerMessage } from '../../peer-core/src/core/messages.ts'
import type { Clock } from './clock.ts'
import type { HostView, Watcher } from './host.ts'
import type { Delivery } from './policy.ts'
import type { Station } from './station.ts'
import type { Segment, Stream } from './stream.ts'

/** Writes down, for every segment, who wanted it when, who leased it, what came from where and why. */
export interface Story extends Watcher {
  begin(clock: Clock, stream: Stream): void
  wanted(station: Station, segment: Segment, deadline: number, urgency: Urgency): void
  delivered(station: Station, segment: Segment, how: Delivery, deadline: number): void
  failed(station: Station, segment: Segment, reason: FailReason): void
  player(station: Station, what: string): void
  /** Chapters of the segments whose key `matches` says yes to, in order of their time. */
  tell(matches: (key: string) => boolean): string
  /** Every input and output of one viewer, a line each. */
  log(): readonly string[]
}

interface Line {
  readonly at: number
  text: string
}

/** Consecutive bytes from one source are one line. */
interface Stretch {
  readonly line: Line
  bytes: number
  pieces: number
  readonly since: number
  until: number
}

export function createStory(logViewer: number | null): Story {
  const chapters = new Map<string, Line[]>()
  const players: Line[] = []
  const names = new Map<PeerId, string>()
  const offerKeys = new Map<string, string>()
  const fetchKeys = new Map<string, string>()
  const stretches = new Map<string, Stretch>()
  const log: string[] = []
  let clock: Clock | null = null
  let stream: Stream | null = null

  const now = (): number => clock?.now() ?? 0
  const nameOf = (peer: PeerId): string => names.get(peer) ?? peer.slice(0, 6)
  const say = (key: string, text: string): Line => {
    const line = { at: now(), text }
    const chapter = chapters.get(key)
    if (chapter === undefined) chapters.set(key, [line])
    else chapter.push(line)
    return line
  }

  const flow = (key: string, who: string, from: string, bytes: number): void => {
    const id = `${key} ${who} ${from}`
    let stretch = stretches.get(id)
    if (stretch === undefined || now() - stretch.until > 400) {
      stretch = { line: say(key, ''), bytes: 0, pieces: 0, since: now(), until: now() }
      stretches.set(id, stretch)
    }
    stretch.bytes += bytes
    stretch.pieces++
    stretch.until = now()
    const { pieces, since, until } = stretch
    stretch.line.text = `${who} ← ${from}: ${size(stretch.bytes)} in ${pieces}, until ${seconds(until)} (${Math.round(until - since)} ms)`
  }

  const write = (host: HostView, arrow: string, value: Input | Output): void => {
    if (host.station.index !== logViewer) return
    log.push(
      `${seconds(now())} ${arrow} ${JSON.stringify(value, (_, v) => (typeof v === 'string' && names.has(v) ? nameOf(v) : v))}`,
    )
  }

  const onMessage = (host: HostView, peer: PeerId, message: PeerMessage): void => {
    const who = `v${host.station.index}`
    const id = `${host.station.id} ${peer} ${'n' in message ? message.n : ''}`
    if (message.type === 'piece') {
      const key = offerKeys.get(id)
      if (key !== undefined) flow(key, who, nameOf(peer), message.length)
    } else if (message.type === 'reject') {
      const key = offerKeys.get(id)
      if (key !== undefined)
        say(key, `${nameOf(peer)} rejects ${who}'s request for ${message.offset}+${message.length}`)
    }
  }

  const onSend = (host: HostView, output: Extract<Output, { type: 'send' }>): void => {
    const { message, peer, key } = output
    const who = `v${host.station.index}`
    const id = `${peer} ${host.station.id} ${'n' in message ? message.n : ''}`
    switch (message.type) {
      case 'offer': {
        const found = key ?? keyOf(host, message.seq, message.track)
        if (found === null) return
        offerKeys.set(id, found)
        const to = message.to > 0 ? message.to : 'end'
        const span = `[${message.from}, ${message.frontier} → ${to}) hops ${message.hops} eta ${Math.round(message.etaMs)} ms`
        say(found, `${who} offers ${message.source} to ${nameOf(peer)}: ${span}`)
        return
      }
      case 'withdraw': {
        const found = offerKeys.get(id)
        if (found !== undefined)
          say(found, `${who} withdraws from ${nameOf(peer)} at ${message.offset}: ${message.reason}`)
        return
      }
      case 'request': {
        const found = offerKeys.get(`${host.station.id} ${peer} ${message.n}`)
        if (found !== undefined)
          say(found, `${who} asks ${nameOf(peer)} for ${message.offset}+${message.length}`)
        return
      }
      default:
        return
    }
  }

  const trackIds = new Map<string, string>()
  const keyOf = (host: HostView, seq: number, track: number): string | null => {
    const path = trackIds.get(`${host.station.id} ${track}`)
    return path === undefined ? null : seq < 0 ? `${path}/init` : `${path}/${seq}`
  }

  return {
    begin(worldClock, worldStream) {
      clock = worldClock
      stream = worldStream
    },
    opened(host) {
      names.set(host.station.id, `v${host.station.index}`)
    },
    closed() {},
    input(host, _now, input) {
      write(host, '→', input)
      const who = `v${host.station.index}`
      switch (input.type) {
        case 'message':
          return onMessage(host, input.peer, input.message)
        case 'peerJoined':
          players.push({ at: now(), text: `${who} has ${nameOf(input.peer)} (${input.place})` })
          return
        case 'peerLeft':
          players.push({ at: now(), text: `${who} lost ${nameOf(input.peer)}: ${input.reason}` })
          return
        case 'edgeData': {
          const key = fetchKeys.get(`${who} ${input.fetch}`)
          if (key !== undefined) flow(key, who, `edge #${input.fetch}`, input.length)
          return
        }
        case 'edgeFailed':
        case 'edgeDone': {
          const key = fetchKeys.get(`${who} ${input.fetch}`)
          const how = input.type === 'edgeDone' ? 'done' : `failed: ${input.reason}`
          if (key !== undefined) say(key, `${who} edge #${input.fetch} ${how}`)
          return
        }
        case 'policy':
          players.push({ at: now(), text: `${who} told: ${JSON.stringify(input.policy)}` })
          return
        default:
          return
      }
    },
    output(host, _now, output) {
      write(host, '←', output)
      const who = `v${host.station.index}`
      switch (output.type) {
        case 'send':
          if (output.message.type === 'track')
            trackIds.set(`${host.station.id} ${output.message.id}`, output.message.path)
          return onSend(host, output)
        case 'fetchEdge': {
          const to = output.to > 0 ? output.to : 'end'
          fetchKeys.set(`${who} ${output.fetch}`, output.key)
          say(
            output.key,
            `${who} EDGE #${output.fetch} ${output.what} [${output.from}, ${to}) because: ${output.reason}`,
          )
          return
        }
        case 'abortEdge': {
          const key = fetchKeys.get(`${who} ${output.fetch}`)
          if (key !== undefined) say(key, `${who} aborts edge #${output.fetch}`)
          return
        }
        case 'closePeer':
          players.push({
            at: now(),
            text: `${who} closes ${nameOf(output.peer)}: ${output.reason}${output.ban ? ' (ban)' : ''}`,
          })
          return
        case 'evict':
          say(output.key, `${who} evicts`)
          return
        case 'trace': {
          const { note } = output
          const { kind, ...rest } = note
          const facts = Object.entries(rest).filter(([name]) => name !== 'key')
          const told = facts.map(
            ([name, value]) =>
              `${name} ${typeof value === 'string' && names.has(value) ? nameOf(value) : value}`,
          )
          if ('key' in note && note.key !== '') say(note.key, `${who} notes ${kind}: ${told.join(', ')}`)
          return
        }
        default:
          return
      }
    },
    wanted(station, segment, deadline, urgency) {
      say(segment.key, `v${station.index} WANTS it in ${Math.round(deadline - now())} ms (${urgency})`)
    },
    delivered(station, segment, how, deadline) {
      const slack = Math.round(deadline - now())
      const when = slack >= 0 ? `${slack} ms early` : `${-slack} ms late`
      say(
        segment.key,
        `v${station.index} HAS it ${when}: ${how.origin}, edge ${size(how.edgeBytes)}, peers ${size(how.peerBytes)}`,
      )
    },
    failed(station, segment, reason) {
      say(segment.key, `v${station.index} FAILS: ${reason}`)
    },
    player(station, what) {
      names.set(station.id, `v${station.index}`)
      players.push({ at: now(), text: `v${station.index} ${what}` })
    },
    tell(matches) {
      const parts = ['viewers and links']
      for (const line of players) parts.push(`  ${seconds(line.at)}  ${line.text}`)
      const keys = [...chapters.keys()].filter(matches)
      const startOf = (key: string): number => chapters.get(key)![0]!.at
      for (const key of keys.sort((a, b) => startOf(a) - startOf(b))) {
        const segment = stream?.segment(key)
        const published = segment === undefined || segment.seq < 0 ? 0 : segment.startMs + segment.durationMs
        parts.push(
          '',
          `${key}  ${segment?.size ?? 0} bytes${stream?.plan.kind === 'live' ? `, published ${seconds(published)}` : ''}`,
        )
        for (const line of chapters.get(key)!) parts.push(`  ${seconds(line.at)}  ${line.text}`)
      }
      return parts.join('\n')
    },
    log: () => log,
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`
}

function size(bytes: number): string {
  return bytes < 1_000 ? `${bytes} B` : `${(bytes / 1000).toFixed(0)} kB`
}
