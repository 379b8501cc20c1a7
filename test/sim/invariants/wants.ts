import type { HostView } from '../host.ts'
import type { Invariant, Report } from './violation.ts'

/** Longer than any outage and any back-off of a scenario: a want that got no byte for so long was forgotten. */
export const forgottenMs = 45_000

interface WantsInvariant extends Invariant {
  /** Wants that have not ended yet, of all viewers. */
  open(): number
}

interface OpenWant {
  readonly key: string
  /** When it began, or the newest of its bytes came. */
  since: number
  bytes: number
}

/** Every want ends in exactly one deliver or fail, unless it was cancelled. */
export function wantsEnd(report: Report): WantsInvariant {
  const open = new Map<HostView, Map<number, OpenWant>>()
  const ended = new Map<HostView, Set<number>>()

  const end = (host: HostView, id: number, key: string, how: string): void => {
    const want = open.get(host)?.get(id)
    if (want === undefined) {
      const before = ended.get(host)?.has(id) ? 'ended before' : 'never began, or was cancelled'
      report(host, 'wants', `${how} of want ${id} (${key}), which ${before}`)
      return
    }
    if (want.key !== key) report(host, 'wants', `${how} of want ${id} names ${key}, not ${want.key}`)
    open.get(host)!.delete(id)
    const set = ended.get(host) ?? new Set()
    ended.set(host, set.add(id))
  }

  const overdue = (host: HostView, now: number): void => {
    for (const [id, want] of open.get(host) ?? []) {
      const bytes = host.shelf.holding(want.key)?.bytes ?? 0
      if (bytes !== want.bytes) {
        want.bytes = bytes
        want.since = now
      }
      if (now - want.since <= forgottenMs) continue
      report(
        host,
        'wants',
        `want ${id} (${want.key}) has been open for ${Math.round(now - want.since)} ms without a byte`,
      )
      open.get(host)!.delete(id)
    }
  }

  return {
    open: () => [...open.values()].reduce((sum, wants) => sum + wants.size, 0),
    input(host, now, input) {
      if (input.type === 'want') {
        const wants = open.get(host) ?? new Map()
        open.set(host, wants.set(input.id, { key: input.key, since: now, bytes: 0 }))
      } else if (input.type === 'cancel') open.get(host)?.delete(input.id)
    },
    output(host, _now, output) {
      if (output.type === 'deliver' || output.type === 'fail') end(host, output.id, output.key, output.type)
    },
    second: overdue,
    closed(host) {
      open.delete(host)
      ended.delete(host)
    },
  }
}
