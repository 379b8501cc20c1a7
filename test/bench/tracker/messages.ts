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

/** Session descriptions of 1.2 to 2.5 KB, as JSON strings: a dozen candidates make up most of a real one. */
export function createDescriptions(random: () => number): readonly string[] {
  return Array.from({ length: 16 }, (_, i) => {
    const wanted = 1_200 + Math.round((1_300 * i) / 15)
    let sdp =
      'v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n' +
      'a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n' +
      'c=IN IP4 0.0.0.0\r\na=ice-ufrag:8hhY\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n' +
      'a=fingerprint:sha-256 49:66:12:17:0D:1C:91:AE:57:4C:C6:36:DD:D5:97:D2:7D:62:C9:9A:7F:B9:A3:F4:70:03:E7:43:91:73:23:5E\r\n' +
      'a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n'
    while (sdp.length < wanted) {
      const number = Math.floor(random() * 4_294_967_296)
      sdp += `a=candidate:${number} 1 udp 2122260223 10.0.${number & 255}.7 ${number % 65_536} typ host generation 0\r\n`
    }
    return JSON.stringify(sdp.slice(0, wanted))
  })
}
