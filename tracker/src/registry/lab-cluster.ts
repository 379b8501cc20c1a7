import type { NodeId } from '../cluster/node-message.ts'
import { parseBatch } from '../cluster/parse-batch.ts'
import { writeBatch, writeNodeMessage } from '../cluster/write-batch.ts'
import { createLab, type Lab } from './lab.ts'
import type { RegistryOptions } from './registry.ts'

/** Several registries that hear each other when told: the bus is a list, the directory a map. */
export interface LabCluster {
  readonly labs: readonly Lab[]
  /** Carries messages and brings the directory up to date until nothing more happens. */
  settle(): void
  /** Passes time everywhere. */
  pass(ms: number): void
  /** Types of what went over the bus since the last call. */
  carried(): string[]
}

export function createLabCluster(count: number, options: Partial<RegistryOptions> = {}): LabCluster {
  const queue: { from: NodeId; to: NodeId | 'all'; text: string }[] = []
  const rows = new Map<string, Map<NodeId, string>>()
  const log: string[] = []
  const nodes = Array.from({ length: count }, (_, i) => `node${i}`)
  const labs = nodes.map(node =>
    createLab({
      ...options,
      cluster: {
        node,
        post(to, message) {
          log.push(message.type)
          queue.push({ from: node, to, text: writeBatch(node, [writeNodeMessage(message)]) })
        },
      },
    }),
  )
  const sideOf = (i: number) => {
    const side = labs[i]?.registry.cluster
    if (!side) throw new Error(`no node ${i}`)
    return side
  }

  function put(i: number): boolean {
    const node = nodes[i] ?? ''
    const entries = sideOf(i).takeNews(1_000)
    const found = new Map<string, ReadonlyMap<NodeId, string>>()
    for (const { row, value } of entries) {
      const cells = rows.get(row) ?? new Map<NodeId, string>()
      rows.set(row, cells)
      if (value === null) cells.delete(node)
      else cells.set(node, value)
      found.set(row, new Map(cells))
      for (const other of cells.keys())
        if (other !== node)
          queue.push({
            from: node,
            to: other,
            text: writeBatch(node, [writeNodeMessage({ type: 'count', row, value })]),
          })
    }
    labs[i]?.perform(sideOf(i).learned(found))
    return entries.length > 0
  }

  function carry(): boolean {
    const next = queue.shift()
    if (next === undefined) return false
    const { from, to, text } = next
    const batch = parseBatch(text)
    if (batch === null || batch.malformed > 0) throw new Error(`a node sent what no node reads: ${text}`)
    for (const [i, node] of nodes.entries()) {
      if (node === from || (to !== 'all' && to !== node)) continue
      for (const message of batch.messages) labs[i]?.perform(sideOf(i).heard(from, message))
    }
    return true
  }

  function settle(): void {
    for (let busy = true; busy; ) {
      busy = false
      for (const i of nodes.keys()) busy = put(i) || busy
      while (carry()) busy = true
    }
  }

  return {
    labs,
    settle,
    pass(ms) {
      for (let left = ms; left > 0; left -= 500) {
        for (const lab of labs) lab.pass(Math.min(500, left))
        settle()
      }
    },
    carried: () => log.splice(0),
  }
}
