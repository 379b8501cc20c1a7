import { edgeAddress, edgePort, trackerPort } from './addresses.ts'
import type { Namespace } from './namespace.ts'

/** What crossed a line, one way, of one kind. */
export interface Crossed {
  readonly bytes: number
  readonly packets: number
}

export const kinds = ['edge', 'tracker', 'stun', 'peers'] as const
export type Kind = (typeof kinds)[number]

/** Reading of all counters of a line. */
export interface LineCount {
  readonly down: Readonly<Record<Kind, Crossed>>
  readonly up: Readonly<Record<Kind, Crossed>>
}

/** nft rules that count each byte between `lan` and `wan`; for the forward hook, ahead of any verdict. */
export function countingRules(): string {
  const names = kinds.flatMap(kind => [`${kind}_down`, `${kind}_up`])
  const side = (way: 'down' | 'up') => {
    const device = way === 'down' ? 'iifname "wan"' : 'oifname "wan"'
    const edge = `ip ${way === 'down' ? 'saddr' : 'daddr'}`
    const port = way === 'down' ? 'sport' : 'dport'
    return `
      ${device} ${edge} ${edgeAddress} tcp ${port} ${edgePort} counter name edge_${way}
      ${device} ${edge} ${edgeAddress} tcp ${port} ${trackerPort} counter name tracker_${way}
      ${device} ${edge} ${edgeAddress} meta l4proto udp counter name stun_${way}
      ${device} ${edge} != ${edgeAddress} counter name peers_${way}`
  }
  return `
    ${names.map(name => `counter ${name} { }`).join('\n    ')}
    chain count {
      type filter hook forward priority -10; policy accept;${side('down')}${side('up')}
    }`
}

export function readCounters(router: Namespace, table: string): LineCount {
  return parseCounters(router.exec('nft', ['-j', 'list', 'counters', 'table', 'ip', table]))
}

/** @param json what `nft -j list counters` prints */
export function parseCounters(json: string): LineCount {
  const { nftables } = JSON.parse(json) as {
    nftables: { counter?: { name: string; bytes: number; packets: number } }[]
  }
  const found = new Map(
    nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter] as const] : [])),
  )
  const way = (direction: 'down' | 'up') =>
    Object.fromEntries(
      kinds.map(kind => {
        const { bytes = 0, packets = 0 } = found.get(`${kind}_${direction}`) ?? {}
        return [kind, { bytes, packets }]
      }),
    ) as Record<Kind, Crossed>
  return { down: way('down'), up: way('up') }
}

/** Everything, both ways. */
export function totalBytes({ down, up }: LineCount): number {
  return kinds.reduce((sum, kind) => sum + down[kind].bytes + up[kind].bytes, 0)
}

/** IPv4 20, UDP 8, DTLS 1.2 with AES-GCM 37, SCTP with one DATA chunk 28 (RFC 768, 5246, 5288, 9260). */
const peerHeaderBytes = 93

/** Peer payload in what peers sent over the line: without the headers that HTTP's body bytes do not have either. */
export function peerPayload({ bytes, packets }: Crossed): number {
  return Math.max(0, bytes - packets * peerHeaderBytes)
}

export function minus(a: LineCount, b: LineCount): LineCount {
  const way = (direction: 'down' | 'up') =>
    Object.fromEntries(
      kinds.map(kind => [
        kind,
        {
          bytes: a[direction][kind].bytes - b[direction][kind].bytes,
          packets: a[direction][kind].packets - b[direction][kind].packets,
        },
      ]),
    ) as Record<Kind, Crossed>
  return { down: way('down'), up: way('up') }
}
