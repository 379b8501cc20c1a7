import type { PeerId } from '../../../../peer-core/src/core/messages.ts'
import type { Dice } from '../../random.ts'
import type { Segment } from '../../stream.ts'
import { pickHolder } from './holders.ts'
import type { Decision, Missing, Source, View } from './rules.ts'

/** p2p-media-loader's defaults: two downloads at once over HTTP, three from peers, one a peer. */
export const httpSlots = 2
export const p2pSlots = 3

/** A pass in the making: decisions so far, and the downloads as they will be after them. */
export interface Plan {
  loading(segment: Segment): Source | null
  isFree(source: Source): boolean
  http(segment: Segment): void
  /** False when nobody can give it now. */
  p2p(missing: Missing): boolean
  abort(segment: Segment): void
  /** Ends the download of this source furthest ahead, if it lies after `segment`. */
  abortLastAfter(segment: Segment, source: Source): boolean
  decisions(): readonly Decision[]
}

export function createPlan(view: View, dice: Dice): Plan {
  const decisions: Decision[] = []
  const loading = new Map<string, Source>()
  const count: Record<Source, number> = { http: 0, p2p: 0 }
  const asked = new Set<PeerId>()
  for (const { segment, loading: source } of view.missing) if (source !== null) begin(segment, source)

  function begin(segment: Segment, source: Source): void {
    const before = loading.get(segment.key)
    if (before !== undefined) count[before]--
    loading.set(segment.key, source)
    count[source]++
  }

  const abort = (segment: Segment): void => {
    const source = loading.get(segment.key)
    if (source === undefined) return
    loading.delete(segment.key)
    count[source]--
    decisions.push({ type: 'abort', segment })
  }

  return {
    loading: segment => loading.get(segment.key) ?? null,
    isFree: source => count[source] < (source === 'http' ? httpSlots : p2pSlots),
    http(segment) {
      begin(segment, 'http')
      decisions.push({ type: 'http', segment })
    },
    p2p(missing) {
      const { segment } = missing
      const holders = missing.holders().filter(holder => !asked.has(holder.peer))
      const holder = pickHolder(holders, dice)
      if (holder === null) return false
      asked.add(holder.peer)
      begin(segment, 'p2p')
      decisions.push({ type: 'p2p', segment, peer: holder.peer })
      return true
    },
    abort,
    abortLastAfter(segment, source) {
      for (let i = view.missing.length - 1; i >= 0; i--) {
        const later = view.missing[i]!.segment
        if (later === segment) return false
        if (loading.get(later.key) !== source) continue
        abort(later)
        return true
      }
      return false
    },
    decisions: () => decisions,
  }
}
