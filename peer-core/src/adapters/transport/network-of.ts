/**
 * Which network an address of a candidate is of. `lan`: the /24 of a private IPv4 address, for telling networks apart;
 * null for anything else. `scope`: whether it is routed on the public internet; null when it is no address at all, as
 * a name of multicast DNS or what a browser hides.
 */
export interface AddressNetwork {
  readonly scope: 'private' | 'public' | null
  readonly lan: string | null
}

const none: AddressNetwork = { scope: null, lan: null }

export function networkOf(address: string | null | undefined): AddressNetwork {
  if (!address) return none
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}$/.exec(address)
  if (four) {
    const [a, b, c] = [Number(four[1]), Number(four[2]), Number(four[3])]
    // RFC 1918; a carrier's 100.64.0.0/10 (RFC 6598) is shared by strangers and so nobody's LAN.
    if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168))
      return { scope: 'private', lan: `${a}.${b}.${c}` }
    return { scope: a === 127 || (a === 169 && b === 254) ? 'private' : 'public', lan: null }
  }
  if (!address.includes(':') || !/^[0-9a-f:.]+$/i.test(address)) return none
  // Unique local and link-local (RFC 4193, RFC 4291).
  return { scope: /^(f[cd]|fe[89ab]|::1$)/i.test(address) ? 'private' : 'public', lan: null }
}

/**
 * Whether two public addresses, as platforms spell them, are of one link: an IPv4 /24, or an IPv6 /64 unless that ends
 * in two groups of zeros, which nobody is given.
 */
export function isSameLink(a: string, b: string): boolean {
  const link = (address: string) => /^(?:[^:]*:){4}|^(?:\d+\.){3}/.exec(address)?.[0]
  return link(a) === link(b)
}
