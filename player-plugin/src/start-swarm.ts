import type { Edge, Mode, Swarm } from '@nearcast/peer-core'
import type { ResolvedConfig } from './config.ts'

export interface StartedSwarm {
  readonly swarm: Swarm
  /** Whether a STUN server is in use, configured or recommended by the tracker. */
  stun(): boolean
  close(): Promise<void>
}

export interface SwarmRequest {
  readonly contentId: string
  readonly config: ResolvedConfig
  readonly mode: Mode
  readonly edge: Edge
}

export type StartSwarm = (request: SwarmRequest) => Promise<StartedSwarm>

export const startSwarm: StartSwarm = async () => {
  throw new Error('not yet')
}
