import { groupBag } from './group.ts'
import type { Swarm } from './swarm.ts'

/** Peers by the size of their group: 1 is alone, up to 30 a mesh, above it a backbone. */
export interface GroupSizes {
  /** Peers whose group has at most so many members; cumulative, as Prometheus counts. */
  readonly atMost: readonly { readonly size: number; readonly peers: number }[]
  /** All peers that take part. */
  readonly peers: number
}

const bounds = [1, 2, 4, 8, 16, 30, 64, 128, 256, 1_024] as const

/** Which bound a size falls under, looked up: fifty thousand peers are looked at while others wait. */
const indices = Uint8Array.from({ length: bounds.at(-1)! + 1 }, (_, size) =>
  bounds.findIndex(bound => size <= bound),
)

export function sizeGroups(swarms: Iterable<Swarm>): GroupSizes {
  const counts = bounds.map(() => 0)
  let peers = 0
  for (const swarm of swarms) {
    for (const peer of swarm.peers.values()) {
      const bag = groupBag(peer)
      if (bag === null) continue
      peers++
      const index = bag.size < indices.length ? indices[bag.size] : undefined
      if (index !== undefined) counts[index] = (counts[index] ?? 0) + 1
    }
  }
  let sum = 0
  const atMost = bounds.map((size, i) => {
    sum += counts[i] ?? 0
    return { size, peers: sum }
  })
  return { peers, atMost }
}
