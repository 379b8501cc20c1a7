/** What the bench's clients say, with the sizes and alphabets of real ones. */

export interface Ids {
  /** 20 characters, one a byte, as most info hashes and offer ids are: random. */
  bytes(): string
  /** As the reference client makes them: a name, then base64. */
  peerId(): string
}

/** Numbers in [0, 1) from a seed: every server gets the same work. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export function createIds(random: () => number): Ids {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const text = (length: number, pick: () => string) => Array.from({ length }, pick).join('')
  return {
    bytes: () => text(20, () => String.fromCharCode(Math.floor(random() * 256))),
    peerId: () => `-WW0208-${text(12, () => letters[Math.floor(random() * 64)] ?? 'A')}`,
  }
}

/** What the descriptions of one viewer have in common: its addresses. */
export interface Machine {
  /** As the tracker sees it. */
  readonly publicAddress: string
  /** Multicast DNS names of its interfaces, as browsers write them. */
  readonly names: readonly string[]
}

export function createMachine(publicAddress: string, random: () => number): Machine {
  const digits = (count: number) =>
    Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join('')
  const name = () => `${digits(8)}-${digits(4)}-4${digits(3)}-a${digits(3)}-${digits(12)}.local`
  return { publicAddress, names: [name(), name(), name()] }
}

/**
 * A complete session description as Chromium writes it, 1.2 to 2.5 KB by its number of candidates, as a JSON string:
 * for each interface one by UDP, one that dials by TCP, and the public one.
 */
export function writeDescription({ publicAddress, names }: Machine, random: () => number): string {
  const number = (below: number) => Math.floor(random() * below)
  const fragment = number(2 ** 31)
    .toString(36)
    .slice(0, 4)
  const wanted = 1_200 + number(1_200)
  const lines = [
    'v=0',
    `o=- ${number(2 ** 31)}${number(2 ** 31)} 2 IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'a=extmap-allow-mixed',
    'a=msid-semantic: WMS',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
  ]
  const tail = [
    `a=ice-ufrag:${fragment}`,
    'a=ice-pwd:asd88fgpdd777uzjYhagZgMk',
    'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => (256 + number(256)).toString(16).slice(1).toUpperCase()).join(':')}`,
    'a=setup:actpass',
    'a=mid:0',
    'a=sctp-port:5000',
    'a=max-message-size:262144',
    '',
  ]
  let length = [...lines, ...tail].join('\r\n').length
  for (let i = 0; length < wanted; i++) {
    const name = names[i % names.length] ?? ''
    const ending = `generation 0 ufrag ${fragment} network-id ${1 + (i % names.length)} network-cost 10`
    const port = 49_152 + number(16_000)
    const line =
      i % 3 === 0
        ? `a=candidate:${number(2 ** 32)} 1 udp 2122260223 ${name} ${port} typ host ${ending}`
        : i % 3 === 1
          ? `a=candidate:${number(2 ** 32)} 1 udp 1686052607 ${publicAddress} ${port} typ srflx raddr 0.0.0.0 rport 0 ${ending}`
          : `a=candidate:${number(2 ** 32)} 1 tcp 1518280447 ${name} 9 typ host tcptype active ${ending}`
    lines.push(line)
    length += line.length + 2
  }
  return JSON.stringify([...lines, ...tail].join('\r\n'))
}
