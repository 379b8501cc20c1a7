import type { IncomingHttpHeaders } from 'node:http'
import { type Address, parseAddress } from '../address/address.ts'
import { type Cidr, contains } from '../address/cidr.ts'

export interface ProxyTrust {
  /** Networks of proxies whose word counts. */
  readonly proxies: readonly Cidr[]
  /**
   * The header those proxies write. Only one is believed: a proxy that appends to one of them passes a forged other
   * on. `forwarded` is read by RFC 7239, `x-forwarded-for` as a list, any other as a single address.
   */
  readonly header: string
}

/**
 * Who really connects. Lists are walked from the right, where the nearest proxy wrote, as long as the last writer is
 * trusted; what stands farther left could have been sent by anybody.
 */
export function clientAddress(
  socketAddress: Address,
  headers: IncomingHttpHeaders,
  trust: ProxyTrust,
): Address {
  const trusted = (address: Address) => trust.proxies.some(proxy => contains(proxy, address))
  if (!trusted(socketAddress)) return socketAddress
  const raw = headers[trust.header.toLowerCase()]
  const text = Array.isArray(raw) ? raw.join(',') : (raw ?? '')
  const hops = trust.header.toLowerCase() === 'forwarded' ? forwardedFor(text) : text.split(',')
  let client = socketAddress
  for (const hop of hops.reverse()) {
    const address = parseAddress(hop)
    // "unknown" or an obfuscated name (RFC 7239 §6.2, §6.3): what stands before it cannot be followed.
    if (address === null) return client
    client = address
    if (!trusted(client)) return client
  }
  return client
}

/** Whether a proxy, trusted or not, says that the request passed it. */
export function isForwarded(headers: IncomingHttpHeaders): boolean {
  return forwardingHeaders.some(name => headers[name] !== undefined)
}

/** Headers by which proxies say that they are one. */
const forwardingHeaders = [
  'x-forwarded-for',
  'forwarded',
  'x-real-ip',
  'x-forwarded-host',
  'x-forwarded-proto',
  'via',
]

/** The `for` of each element (RFC 7239 §4), in order; '' where an element has none. */
function forwardedFor(header: string): string[] {
  return splitOutsideQuotes(header, ',').map(element => {
    for (const pair of splitOutsideQuotes(element, ';')) {
      const [name = '', ...rest] = pair.split('=')
      if (name.trim().toLowerCase() !== 'for') continue
      const value = rest.join('=').trim()
      return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value
    }
    return ''
  })
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let quoted = false
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (quoted && char === '\\') i++
    else if (char === '"') quoted = !quoted
    else if (char === separator && !quoted) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}
