import { isIPv6 } from 'node:net'

/** The ways in which something secret could turn up in a text. */

/** Of twenty bytes: as the protocol writes them, escaped by JSON or a URL, and as people do. */
export function spellingsOfBytes(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes)
  const binary = buffer.toString('latin1')
  const hex = buffer.toString('hex')
  const escapedAll = [...bytes].map(byte => `\\u${byte.toString(16).padStart(4, '0')}`).join('')
  const escapedShort = [...bytes].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
  const percent = [...bytes].map(byte => `%${byte.toString(16).padStart(2, '0')}`).join('')
  return [
    binary,
    JSON.stringify(binary).slice(1, -1),
    JSON.stringify(JSON.stringify(binary)).slice(3, -3),
    escapedAll,
    escapedShort,
    percent,
    encodeURIComponent(binary),
    hex,
    hex.match(/../g)!.join(':'),
    hex.match(/../g)!.join(' '),
    [...bytes].join(','),
    [...bytes].join('.'),
    buffer.toString('base64').replace(/=+$/, ''),
    buffer.toString('base64url'),
    // What one sees in a list that was cut.
    hex.slice(0, 16),
  ]
}

/** Of an address: as written, as bytes, as a number, the pieces by which it is grouped. */
export function spellingsOfAddress(address: string): string[] {
  const bytes = isIPv6(address) ? bytesOfIpv6(address) : address.split('.').map(Number)
  const hex = bytes.map(byte => byte.toString(16).padStart(2, '0')).join('')
  const listed = [bytes.join(','), bytes.join('.'), hex, hex.match(/../g)!.join(':')]
  if (bytes.length === 4) {
    const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
    // The first three bytes name a network of 256 machines.
    return [address, String(number), `${bytes.slice(0, 3).join('.')}.`, ...listed]
  }
  const groups = hex.match(/.{4}/g)!
  return [
    address,
    groups.join(':'),
    groups.slice(0, 4).join(':'),
    `${bytes.slice(0, 8).join('.')}`,
    ...listed,
  ]
}

/** Which of the secrets a text holds, and how they are spelled there; case does not matter. */
export function findLeaks(text: string, secrets: ReadonlyMap<string, readonly string[]>): string[] {
  const folded = text.toLowerCase()
  return [...secrets].flatMap(([name, spellings]) =>
    spellings
      .filter(spelling => folded.includes(spelling.toLowerCase()))
      .map(spelling => `${name} as ${JSON.stringify(spelling)}`),
  )
}

function bytesOfIpv6(address: string): number[] {
  const [head = '', tail = ''] = address.split('::')
  const groups = (text: string) =>
    text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16))
  const front = groups(head)
  const back = groups(tail)
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => 0)
  return [...front, ...zeros, ...back].flatMap(group => [group >> 8, group & 255])
}
