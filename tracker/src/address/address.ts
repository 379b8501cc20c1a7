import ipaddr from 'ipaddr.js'

/**
 * One IP address, in the one form that everything here compares. An IPv4 address inside IPv6 (`::ffff:a.b.c.d`,
 * how dual-stack sockets report IPv4) is IPv4; zones are dropped.
 */
export interface Address {
  readonly family: 4 | 6
  /** Network order; 4 or 16. */
  readonly bytes: readonly number[]
  /** Canonical spelling (RFC 5952 for IPv6). */
  readonly text: string
}

/** An address as operating systems, proxies and people write it: brackets, port, zone and mapped forms included. */
export function parseAddress(input: string): Address | null {
  const text = withoutPort(input.trim()).replace(/%.*$/, '')
  // ipaddr.js also takes "10", "0x7f.1" and octal, as inet_aton did; here that is a typing error or an attack.
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return fromParsed(ipaddr.IPv4.parse(text))
  if (!ipaddr.IPv6.isValid(text)) return null
  const parsed = ipaddr.IPv6.parse(text)
  return fromParsed(parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed)
}

/** The public address as a network sees it: an IPv4 address, or the /64 that IPv6 gives to one link. */
export function addressKey(address: Address): string {
  return prefixText(address, address.family === 4 ? 32 : 64)
}

/** The neighbourhood of an address: its /24, or the /56 that a provider typically gives one customer. */
export function prefixKey(address: Address): string {
  return prefixText(address, address.family === 4 ? 24 : 56)
}

/** Not routed on the public internet: loopback, RFC 1918, carrier-grade NAT, link-local, unique local. */
export function isPrivate(address: Address): boolean {
  const range = ipaddr.fromByteArray([...address.bytes]).range()
  return (
    range === 'private' ||
    range === 'loopback' ||
    range === 'linkLocal' ||
    range === 'carrierGradeNat' ||
    range === 'uniqueLocal'
  )
}

function prefixText(address: Address, bits: number): string {
  return `${address.bytes.slice(0, bits / 8).join('.')}/${address.family}`
}

function fromParsed(parsed: ipaddr.IPv4 | ipaddr.IPv6): Address {
  const family = parsed.kind() === 'ipv4' ? 4 : 6
  return { family, bytes: parsed.toByteArray(), text: parsed.toString() }
}

/** `[::1]:80` → `::1`, `10.0.0.1:80` → `10.0.0.1`; a bare IPv6 address has several colons and no brackets. */
function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)
  if (bracketed) return bracketed[1] ?? ''
  const dotted = /^([\d.]+):\d{1,5}$/.exec(text)
  return dotted?.[1] ?? text
}
