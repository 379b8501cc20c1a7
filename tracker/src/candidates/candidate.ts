/** What decides over an ICE candidate, out of its line (RFC 8839 §5.1). */
export interface Candidate {
  /** An IP address or a name, as written. */
  readonly address: string
  readonly port: number
  readonly transport: 'udp' | 'tcp'
  readonly type: 'host' | 'srflx' | 'prflx' | 'relay'
  /** Nobody can connect to it: the TCP kind that only dials (RFC 6544 §4.5). */
  readonly active: boolean
}

const types = ['host', 'srflx', 'prflx', 'relay'] as const

/** Longer lines hold something else than a candidate: Chromium's have 150 to 200 characters. */
export const longestLine = 512

/**
 * Reads what stands between `from`, behind `candidate:`, and `to`; null when it is none. Walks from space to space:
 * a big announce has fifty candidates, and splitting them would cost as much as relaying them.
 */
export function readCandidate(text: string, from: number, to: number): Candidate | null {
  if (to - from > longestLine) return null
  const afterFoundation = text.indexOf(' ', from) + 1
  const afterComponent = text.indexOf(' ', afterFoundation) + 1
  const afterTransport = text.indexOf(' ', afterComponent) + 1
  const afterPriority = text.indexOf(' ', afterTransport) + 1
  const afterAddress = text.indexOf(' ', afterPriority) + 1
  const afterPort = text.indexOf(' ', afterAddress) + 1
  // indexOf begins anew at the front when it found nothing: then the order is broken.
  const ordered =
    from < afterFoundation &&
    afterFoundation < afterComponent &&
    afterComponent < afterTransport &&
    afterTransport < afterPriority &&
    afterPriority < afterAddress &&
    afterAddress < afterPort &&
    afterPort + 4 < to
  if (!ordered || !text.startsWith('typ ', afterPort)) return null
  const typeEnd = text.indexOf(' ', afterPort + 4)
  const end = typeEnd === -1 || typeEnd > to ? to : typeEnd
  const type = types.find(
    known => known.length === end - afterPort - 4 && text.startsWith(known, afterPort + 4),
  )
  const transport = text.slice(afterComponent, afterTransport - 1).toLowerCase()
  const port = Number(text.slice(afterAddress, afterPort - 1))
  if (type === undefined || (transport !== 'udp' && transport !== 'tcp')) return null
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return null
  return {
    address: text.slice(afterPriority, afterAddress - 1),
    port,
    transport,
    type,
    active: transport === 'tcp' && /(?:^| )tcptype active(?: |$)/.test(text.slice(end, to)),
  }
}
