import type { Contestant } from './contestants.ts'
import { startLoad } from './load.ts'
import { startServer } from './server-process.ts'

export interface SwarmPiece {
  readonly server: string
  readonly peers: number
  /** Share of the peers that are in the largest piece, when every offer became a link. */
  readonly largestPiece: number
}

/** One swarm in which everybody makes one announce with five offers: is it one swarm, or several? */
export async function largestPiece(contestant: Contestant, peers: number): Promise<SwarmPiece> {
  const process = await startServer(contestant)
  const load = startLoad()
  try {
    await load.join({ url: process.url, connections: peers, swarmSize: peers, seed: 2 })
    await load.trade({ transactions: peers, window: 16 })
    return { server: contestant.name, peers, largestPiece: await load.largestPiece() }
  } finally {
    await load.stop()
    await process.stop()
  }
}
