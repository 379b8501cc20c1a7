import type { EdgeFailure, Integrity, Policy, WindowEntry } from '../events.ts'
import { keyHash } from '../hash.ts'
import { blockBytes, type Mode, type OfferMessage, type PeerMessage } from '../messages.ts'
import { root } from './probe.ts'

/** What peers, playlists and operators may say, honest and not, chosen by small numbers. */

/** Offsets and sizes that a peer may send, honest and not. */
const hostileBytes = [0, 1, 16_383, 16_384, 65_536, 100_000, 131_072, 299_999, 2_000_000, 0x7fff_ffff]
export const sizes = [100_000, 200_000, 16_384, 70_000, 280_000, 500_000, 9_000]
export const failures: readonly EdgeFailure[] = [
  'status',
  'busy',
  'timeout',
  'network',
  'mismatch',
  'aborted',
]
export const modes: readonly Mode[] = ['share', 'share', 'share', 'share', 'leech', 'off']
const integrities: readonly Integrity[] = ['prefer', 'prefer', 'prefer', 'required', 'audit', 'off']

export function sizeOf(index: number): number {
  return sizes[index % sizes.length]!
}

/** Every third segment has a root, every fifth says its size only when it comes; roots may come late. */
export function entryOf(index: number, isLate: boolean): WindowEntry {
  const hasRoot = index % 3 === 0
  return {
    key: `segment ${index}`,
    seq: index,
    slot: index,
    startMs: index * 2000,
    durationMs: 2000,
    size: !hasRoot && index % 5 < 2 ? 0 : sizeOf(index),
    root: hasRoot && !isLate ? root : '',
  }
}

export function tell(seq: number, bufferMs: number, mode: Mode): PeerMessage {
  const tracks = bufferMs % 6 === 0 ? [] : [0, 77]
  const paused = bufferMs % 9 === 0
  return {
    type: 'position',
    tracks,
    seq,
    bufferMs,
    rate: 100,
    paused,
    hidden: false,
    mode,
    edgeBps: seq * 1e5,
    uplinkBps: bufferMs % 4 === 0 ? 0 : seq * 4e4,
  }
}

export function policyOf(a: number, b: number, c: number): Policy {
  return {
    mode: modes[a % 6]!,
    wan: b % 3 === 0 ? 'deny' : 'allow',
    integrity: integrities[c % 6]!,
    lineKbps: a % 3 === 0 ? 1500 : 0,
    uploadKbps: b % 2 === 0 ? 800 : 0,
    groupSize: c % 4,
  }
}

export function offerOf(n: number, a: number, b: number, c: number): OfferMessage {
  const entry = entryOf(a % 10, false)
  const true_ = sizeOf(a % 10)
  const isWhole = c % 2 === 0
  const size = b % 11 === 0 ? someBytes(c) : b % 7 === 0 ? 0 : true_
  const frontier = isWhole ? size : b % 5 === 0 ? someBytes(c) : Math.min((c % 9) * blockBytes, true_)
  return {
    type: 'offer',
    n,
    track: b % 13 === 0 ? 5 : 0,
    seq: entry.seq,
    key: keyHash(entry.key),
    size,
    root: b % 17 === 0 ? 'cd'.repeat(32) : entry.root,
    etag: b % 3 === 0 ? '' : '"1"',
    from: b % 19 === 0 ? Math.min(blockBytes, frontier) : 0,
    frontier: size > 0 ? Math.min(frontier, size) : frontier,
    to: 0,
    source: (['held', 'edge', 'relay'] as const)[(b + c) % 3]!,
    hops: c % 256,
    etaMs: 0,
    rateBps: b * 1000,
    epoch: 0,
  }
}

export function listOf(b: number, c: number): number {
  return b % 5 === 0 ? 4096 : blocksOf(sizes[c % sizes.length]!)
}

export function blocksOf(size: number): number {
  return Math.max(1, Math.ceil(size / blockBytes))
}

export function rangeOf(b: number, c: number): { offset: number; length: number } {
  if (c % 6 === 0) return { offset: someBytes(b), length: 1 + (someBytes(c) % 65_536) }
  return { offset: (b % 7) * blockBytes, length: (1 + (c % 4)) * blockBytes }
}

export function someBytes(c: number): number {
  return hostileBytes[c % hostileBytes.length]!
}
