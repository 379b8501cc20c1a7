import { type Address, parseAddress } from './address.ts'

/** A network. `text` is its canonical spelling. */
export interface Cidr {
  readonly family: 4 | 6
  readonly bytes: readonly number[]
  readonly bits: number
  readonly text: string
}

export type ParsedCidr =
  | { readonly ok: true; readonly cidr: Cidr }
  | { readonly ok: false; readonly reason: string }

/** `10.2.0.0/16`, `2001:db8::/32`, or one address. Reasons are for whoever wrote the file. */
export function parseCidr(input: string): ParsedCidr {
  const [head = '', tail, ...rest] = input.trim().split('/')
  const address = rest.length === 0 && !/[[\]]/.test(head) ? parseAddress(head) : null
  if (address === null)
    return { ok: false, reason: `"${input}" is no network such as 10.2.0.0/16 or 2001:db8::/32` }
  const widest = address.family === 4 ? 32 : 128
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const shift = address.family === 4 && head.includes(':') ? 96 : 0
  const bits = tail === undefined ? widest : /^\d{1,3}$/.test(tail) ? Number(tail) - shift : Number.NaN
  if (!(bits >= 0 && bits <= widest)) {
    return { ok: false, reason: `"${input}" needs a prefix length of ${shift} to ${widest + shift}` }
  }
  const bytes = masked(address.bytes, bits)
  const text = `${spell(bytes)}/${bits}`
  if (bytes.some((byte, i) => byte !== address.bytes[i])) {
    return {
      ok: false,
      reason: `"${input}" has bits set behind its prefix: write ${text}, or /${widest} for one host`,
    }
  }
  return { ok: true, cidr: { family: address.family, bytes, bits, text } }
}

export function contains(cidr: Cidr, address: Address | Cidr): boolean {
  if (cidr.family !== address.family) return false
  if ('bits' in address && address.bits < cidr.bits) return false
  const whole = cidr.bits >> 3
  for (let i = 0; i < whole; i++) if (cidr.bytes[i] !== address.bytes[i]) return false
  const rest = cidr.bits & 7
  if (rest === 0) return true
  const mask = (0xff00 >> rest) & 0xff
  return ((cidr.bytes[whole] ?? 0) & mask) === ((address.bytes[whole] ?? 0) & mask)
}

function masked(bytes: readonly number[], bits: number): readonly number[] {
  return bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 0xff)
}

function spell(bytes: readonly number[]): string {
  const text =
    bytes.length === 4
      ? bytes.join('.')
      : Array.from({ length: 8 }, (_, i) =>
          (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
        ).join(':')
  return parseAddress(text)?.text ?? text
}
