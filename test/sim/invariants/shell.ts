import type { HostView } from '../host.ts'
import type { Invariant, Report } from './violation.ts'

/** What a host relies on: numbers used once, and nothing done to what does not exist. */
export function shellIsUsedRight(report: Report): Invariant {
  const fetches = new Map<HostView, { highest: number; readonly open: Set<number> }>()
  const of = (host: HostView) => {
    let own = fetches.get(host)
    if (own === undefined) {
      own = { highest: -1, open: new Set() }
      fetches.set(host, own)
    }
    return own
  }
  return {
    input(host, _now, input) {
      if (input.type === 'edgeDone' || input.type === 'edgeFailed') of(host).open.delete(input.fetch)
    },
    output(host, _now, output) {
      const own = of(host)
      if (output.type === 'fetchEdge') {
        if (output.fetch <= own.highest) report(host, 'fetch', `fetch ${output.fetch} after ${own.highest}`)
        if (output.to !== 0 && output.to <= output.from) {
          report(host, 'fetch', `${output.key}: fetches [${output.from}, ${output.to})`)
        }
        own.highest = Math.max(own.highest, output.fetch)
        own.open.add(output.fetch)
      } else if (output.type === 'abortEdge') {
        if (!own.open.delete(output.fetch))
          report(host, 'fetch', `aborts fetch ${output.fetch}, which is not open`)
      } else if (output.type === 'closePeer' && !host.isConnected(output.peer)) {
        report(host, 'wire', `closes ${output.peer}, who is not connected`)
      }
    },
    closed: host => void fetches.delete(host),
  }
}
