import { longestLine, readCandidate } from './candidate.ts'
import { CandidateRules, type Sender, type StripReason } from './candidate-rules.ts'

/** Candidates in one description. A machine with VPN and containers gathers about twenty. */
const mostCandidates = 64

/** Addresses remembered because they passed: a laptop has a few interfaces, each with a name and a public address. */
const mostPassed = 12

/**
 * Takes candidates that are not the sender's own out of what it says to others. Text with nothing to take out comes
 * back as it was, uncopied. It strips and does not refuse: a VPN's odd address must not cost the viewer its peers.
 */
export class Screen {
  readonly #rules: CandidateRules
  readonly #count: (reason: StripReason) => void
  /** Addresses that passed, each with the space behind it: a client's descriptions name the same few again and again. */
  readonly #passed: string[] = []
  readonly #passedInside: string[] = []

  constructor(sender: Sender, onStripped: (reason: StripReason) => void) {
    this.#rules = new CandidateRules(sender)
    this.#count = onStripped
  }

  /** A session description without the candidates that must not be dialled. `inside`: nor any that lead out. */
  description(sdp: string, inside: boolean): string {
    // Line ends are CRLF or LF (RFC 8866 §5). A lone CR may or may not end a line, depending on who reads.
    const text = hasLoneReturn(sdp) ? sdp.replaceAll(/\r\n?/g, '\r\n') : sdp
    let kept = ''
    let keptFrom = 0
    let candidates = 0
    for (let start = 0; start < text.length; ) {
      const newline = text.indexOf('\n', start)
      const next = newline === -1 ? text.length : newline + 1
      const end =
        newline > start && text.charCodeAt(newline - 1) === cr ? newline - 1 : next - (newline === -1 ? 0 : 1)
      const first = text.charCodeAt(start) | lowerCase
      if (first === a) {
        const isCandidate = startsWith(text, start, 'a=candidate:')
        // Third parties' addresses in another guise (RFC 8839 §5.2), and nothing that data channels need.
        const isRemote = !isCandidate && startsWith(text, start, 'a=remote-candidates:')
        if (isRemote || (isCandidate && this.#strips(text, start + 12, end, ++candidates, inside))) {
          kept += text.slice(keptFrom, start)
          keptFrom = next
        }
      } else if ((first === c || first === o) && text.charCodeAt(start + 1) === equals) {
        const at = text.lastIndexOf(' ', end - 1) + 1
        const spelled = text.slice(at, end)
        if (at > start && !this.#mayStand(spelled, inside)) {
          kept += text.slice(keptFrom, at) + (spelled.includes(':') ? '::' : '0.0.0.0')
          keptFrom = end
        }
      }
      start = next
    }
    return keptFrom === 0 ? text : kept + text.slice(keptFrom)
  }

  /** The RTCIceCandidateInit texts that may be passed on. */
  candidates(texts: readonly string[], inside: boolean): readonly string[] {
    return texts.every(text => this.#passes(text, inside, false))
      ? texts
      : texts.filter(text => this.#passes(text, inside, true))
  }

  #passes(json: string, inside: boolean, counts: boolean): boolean {
    const reason = this.#judgeInit(json, inside)
    if (reason !== null && counts) this.#count(reason)
    return reason === null
  }

  #judgeInit(json: string, inside: boolean): StripReason | null {
    const line = candidateOf(json)
    // '' ends the candidates (RFC 8838 §8.2). What is no candidate's JSON nobody can dial.
    if (line === null || line === '') return null
    const at = line.startsWith('a=') ? 2 : 0
    if (!line.startsWith('candidate:', at) || /[\r\n]/.test(line)) return 'malformed'
    const candidate = readCandidate(line, at + 10, line.length)
    return candidate === null ? 'malformed' : this.#rules.judge(candidate, inside)
  }

  #strips(text: string, from: number, to: number, nth: number, inside: boolean): boolean {
    const passed = inside ? this.#passedInside : this.#passed
    if (nth <= mostCandidates && isKnown(passed, text, from, to)) return false
    const candidate = readCandidate(text, from, to)
    const reason =
      nth > mostCandidates ? 'many' : candidate === null ? 'malformed' : this.#rules.judge(candidate, inside)
    if (reason !== null) this.#count(reason)
    else if (candidate !== null && candidate.type !== 'relay') remember(passed, candidate.address)
    return reason !== null
  }

  /** Addresses of `c=` and `o=` lines are not dialled, but they are read: those of others have no place there. */
  #mayStand(spelled: string, inside: boolean): boolean {
    if (spelled === '0.0.0.0' || spelled === '127.0.0.1' || spelled === '::' || spelled === '::1') return true
    return this.#rules.judgeAddress(spelled, inside) === null
  }
}

/**
 * Whether this is a candidate of the common kinds (UDP above the well-known ports, or TCP that only dials) with an
 * address that passed before. Says in a tenth of the time what reading and judging it would; false when in doubt.
 */
function isKnown(passed: readonly string[], text: string, from: number, to: number): boolean {
  if (to - from > longestLine) return false
  const component = text.indexOf(' ', from) + 1
  // Beyond the line when there is no space in it; then what follows is not what is expected or goes past its end.
  if (component <= from || text.charCodeAt(component) !== one || text.charCodeAt(component + 1) !== space)
    return false
  const transport = component + 2
  const isUdp = isWord(text, transport, u, d, p)
  if (!isUdp && !isWord(text, transport, t, c, p)) return false
  const address = text.indexOf(' ', transport + 4) + 1
  if (address === 0) return false
  let port = 0
  for (const known of passed) {
    if (!text.startsWith(known, address)) continue
    port = address + known.length
    break
  }
  if (port === 0) return false
  if (!isUdp) return port + 27 <= to && text.startsWith('9 typ host tcptype active ', port)
  let number = 0
  let at = port
  for (let code = text.charCodeAt(at); code >= 0x30 && code <= 0x39; code = text.charCodeAt(++at)) {
    number = number * 10 + code - 0x30
  }
  if (number < 1_024 || number > 65_535) return false
  const type = text.startsWith(' typ host ', at) ? 10 : text.startsWith(' typ srflx ', at) ? 11 : 0
  return type > 0 && at + type <= to
}

/** Three letters and a space. */
function isWord(text: string, at: number, first: number, second: number, third: number): boolean {
  return (
    text.charCodeAt(at) === first &&
    text.charCodeAt(at + 1) === second &&
    text.charCodeAt(at + 2) === third &&
    text.charCodeAt(at + 3) === space
  )
}

function remember(passed: string[], address: string): void {
  if (passed.length >= mostPassed || passed.includes(`${address} `)) return
  // A slice, or a text joined from one, would keep the whole session description alive: only bytes written anew do not.
  passed.push(Buffer.from(`${address} `).toString())
}

function hasLoneReturn(text: string): boolean {
  for (let at = text.indexOf('\r'); at >= 0; at = text.indexOf('\r', at + 1)) {
    if (text.charCodeAt(at + 1) !== newlineCode) return true
  }
  return false
}

const a = 0x61
const c = 0x63
const d = 0x64
const o = 0x6f
const p = 0x70
const t = 0x74
const u = 0x75
const one = 0x31
const space = 0x20
const newlineCode = 0x0a
const cr = 0x0d
const equals = 0x3d
const lowerCase = 0x20

/** Some readers of SDP take attribute names in any case. The third letter tells most lines apart. */
function startsWith(text: string, at: number, prefix: string): boolean {
  if ((text.charCodeAt(at + 2) | lowerCase) !== prefix.charCodeAt(2)) return false
  if (text.startsWith(prefix, at)) return true
  return text.slice(at, at + prefix.length).toLowerCase() === prefix
}

/** The candidate line of RTCIceCandidateInit as JSON, plain or as simple-peer wraps it; null when there is none. */
function candidateOf(json: string): string | null {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return null
  }
  for (let depth = 0; depth < 3; depth++) {
    if (typeof value === 'string') return value
    if (typeof value !== 'object' || value === null) return null
    value = (value as { readonly candidate?: unknown }).candidate
  }
  return null
}
