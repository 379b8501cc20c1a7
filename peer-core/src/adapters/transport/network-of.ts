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

/** Whether two public addresses are of one link: an IPv6 /64, or an IPv4 /24. */
export function isSameLink(a: string, b: string): boolean {
  if (a.includes(':') !== b.includes(':')) return false
  return a.includes(':') ? slash64(a) === slash64(b) : slash24(a) === slash24(b)
}

function slash24(address: string): string {
  return address.replace(/\.\d+$/, '')
}

function slash64(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const all =
    tail === undefined ? groups : [...groups, ...Array(8 - groups.length - rest.length).fill('0'), ...rest]
  return all
    .slice(0, 4)
    .map(group => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
