import type { Hub, HubEvents, JoinHub } from './hub.ts'
import { lifeMs } from './hub.ts'
import type { NodeId } from './node-message.ts'

/** What several trackers of one process share: a cluster without a server. `now`: monotonic ms. */
export function createMemoryHub(now: () => number = () => performance.now()): JoinHub {
  const rows = new Map<string, Map<NodeId, string>>()
  const alive = new Map<NodeId, number>()
  const members = new Map<NodeId, HubEvents>()
  let board: string | null = null
  const isAlive = (node: NodeId) => now() - (alive.get(node) ?? Number.NEGATIVE_INFINITY) < lifeMs

  return (node, events): Hub => {
    members.set(node, events)
    queueMicrotask(() => members.get(node) === events && events.onUp())
    return {
      directory: {
        async put(entries) {
          const result = new Map<string, ReadonlyMap<NodeId, string>>()
          for (const { row, value } of entries) {
            const cells = rows.get(row) ?? new Map<NodeId, string>()
            if (value === null) cells.delete(node)
            else cells.set(node, value)
            for (const other of cells.keys()) if (other !== node && !isAlive(other)) cells.delete(other)
            if (cells.size > 0) rows.set(row, cells)
            else rows.delete(row)
            result.set(row, new Map(cells))
          }
          return result
        },
        async beat() {
          alive.set(node, now())
          return new Set([...alive.keys()].filter(isAlive))
        },
        async leave() {
          alive.delete(node)
        },
      },
      bus: {
        async publish(to, text) {
          const receivers = to === 'all' ? [...members.keys()].filter(other => other !== node) : [to]
          const present = receivers.filter(other => members.has(other))
          for (const other of present) queueMicrotask(() => members.get(other)?.onText(text))
          return present.length > 0
        },
      },
      board: {
        read: async () => board,
        async write(text) {
          board = text
        },
      },
      async close() {
        members.delete(node)
      },
    }
  }
}
