import type { NodeId } from './node-message.ts'

/** A row's entries: what each node says of its part. */
export type Row = ReadonlyMap<NodeId, string>

/** One node's part of one row; null takes it back. */
export interface Entry {
  readonly row: string
  readonly value: string | null
}

/**
 * Who has what: rows with an entry a node. A row is a swarm or a group of one. An entry is as good as its node's sign of
 * life, so nothing needs to be written again while nothing changes.
 */
export interface Directory {
  /** Writes this node's parts and resolves to the rows as they are then, others' entries included. Rejects when it cannot. */
  put(entries: readonly Entry[]): Promise<ReadonlyMap<string, Row>>
  /** A sign of life; resolves to the nodes alive, this one included. Without one for `lifeMs` a node is dead. */
  beat(): Promise<ReadonlySet<NodeId>>
  /** This node is no more, at once. What it put is found no longer. */
  leave(): Promise<void>
}

/** Carries texts between nodes: at most once, in order from one node to another, and not at all while it is down. */
export interface Bus {
  /** To one node, or to all others. Resolves to false when nobody was there to hear it. Rejects when it is down. */
  publish(to: NodeId | 'all', text: string): Promise<boolean>
}

/** One text that nodes keep together. */
export interface Board {
  read(): Promise<string | null>
  write(text: string): Promise<void>
}

/** A node's place in a cluster. */
export interface Hub {
  readonly directory: Directory
  readonly bus: Bus
  readonly board: Board
  close(): Promise<void>
}

export interface HubEvents {
  onText(text: string): void
  /** What this node put before may be lost, and what others said was not heard. Comes with the first connection too. */
  onUp(): void
  onDown(reason: string): void
}

/** Joins as this node. Resolves at once where the other side may be away; `onUp` tells when it is there. */
export type JoinHub = (node: NodeId, events: HubEvents) => Hub

/** How long a node counts as alive without a sign of life, and how often it gives one, ms. */
export const lifeMs = 30_000
export const beatMs = 10_000
