import type { Entry, Row } from '../cluster/hub.ts'
import type { NodeId, NodeMessage } from '../cluster/node-message.ts'
import type { Abroad, AbroadFacts } from './abroad.ts'
import type { Action } from './action.ts'

/** What comes from other machines, and what they want to know. */
export interface ClusterSide {
  heard(node: NodeId, message: NodeMessage): readonly Action[]
  /** What the directory does not know yet, up to `most` rows. */
  takeNews(most: number): readonly Entry[]
  returnNews(entries: readonly Entry[]): void
  /** All rows are to be written anew, or the next so many. */
  renew(most?: number): void
  /** What the directory says. */
  learned(rows: ReadonlyMap<string, Row>): readonly Action[]
  /** Only these nodes have anybody now. */
  keep(alive: (node: NodeId) => boolean): readonly Action[]
  /** This node is gone, with all who were introduced through it. */
  lost(node: NodeId): readonly Action[]
  /** This machine is being emptied: nothing new is begun with others, what is under way ends well. */
  leave(): void
  /** The same at all machines that have the same secret. */
  mark(): string
  facts(): AbroadFacts
}

/** @param drain hands over what is to be sent by now */
export function clusterSide(abroad: Abroad, drain: () => readonly Action[]): ClusterSide {
  return {
    heard(node, message) {
      abroad.heard(node, message)
      return drain()
    },
    takeNews: most => abroad.elsewhere.takeNews(most),
    returnNews: entries => abroad.elsewhere.returnNews(entries),
    renew: most => abroad.elsewhere.renew(most),
    learned(rows) {
      abroad.learned(rows)
      return drain()
    },
    keep(alive) {
      abroad.elsewhere.keep(alive)
      return drain()
    },
    lost(node) {
      abroad.lost(node)
      return drain()
    },
    leave: () => abroad.leave(),
    mark: () => abroad.mark(),
    facts: () => abroad.facts(),
  }
}
