import type { Clock } from './clock.ts'
import { createFingerprint } from './fingerprint.ts'
import type { HostView, Watcher } from './host.ts'
import { coreIsCalm, memoryIsBounded } from './invariants/bounds.ts'
import { bytesAreProven } from './invariants/integrity.ts'
import { shellIsUsedRight } from './invariants/shell.ts'
import type { Invariant, Report, Violation } from './invariants/violation.ts'
import { wantsEnd } from './invariants/wants.ts'
import { wireIsKept } from './invariants/wire.ts'

/**
 * Sees every input and output of every core: fingerprints them all, and holds them against the rules. In a large world
 * the rules watch a sample of the viewers, each of them at every step from its first to its last: the first fifty there
 * at once, and one in twenty of those who come while fifty are watched. Small worlds are watched whole.
 */
export interface Monitor extends Watcher {
  violations(): readonly Violation[]
  /** Wants that have not ended yet, of all viewers. */
  openWants(): number
  /** Hash of all that went into and came out of all cores. */
  fingerprint(): string
  end(): void
}

/** A broken rule is broken many times; the first ones tell the story. */
const mostViolations = 200
/** So many viewers are watched, and beyond them one in so many. */
const watchedAll = 50
const watchedShare = 20

export function createMonitor(clock: Clock, storeBytes: number, alsoTell: readonly Watcher[] = []): Monitor {
  const fingerprint = createFingerprint()
  const violations: Violation[] = []
  /** Those that the rules watch. */
  const hosts = new Set<HostView>()

  const report: Report = (host, rule, what) => {
    if (violations.length < mostViolations) {
      violations.push({ rule, at: clock.now(), viewer: host.station.index, what })
    }
  }

  const wants = wantsEnd(report)
  const invariants: readonly Invariant[] = [
    wants,
    bytesAreProven(report),
    wireIsKept(report),
    shellIsUsedRight(report),
    memoryIsBounded(report, storeBytes),
    coreIsCalm(report),
  ]

  const everySecond = (): void => {
    for (const host of hosts) {
      for (const invariant of invariants) invariant.second?.(host, localNow(clock, host))
    }
    clock.after(1_000, everySecond)
  }
  clock.after(1_000, everySecond)

  return {
    opened(host) {
      if (hosts.size < watchedAll || host.station.index % watchedShare === 0) hosts.add(host)
      for (const watcher of alsoTell) watcher.opened(host)
    },
    closed(host) {
      if (hosts.delete(host)) for (const invariant of invariants) invariant.closed?.(host)
      for (const watcher of alsoTell) watcher.closed(host)
    },
    input(host, now, input) {
      fingerprint.add(host.station.index)
      fingerprint.add(now)
      fingerprint.add(input)
      if (hosts.has(host)) for (const invariant of invariants) invariant.input?.(host, now, input)
      for (const watcher of alsoTell) watcher.input(host, now, input)
    },
    output(host, now, output, payload) {
      // What is said is added whole where it is heard.
      fingerprint.add(output.type === 'send' ? output.message.type : output)
      if (hosts.has(host)) for (const invariant of invariants) invariant.output?.(host, now, output, payload)
      for (const watcher of alsoTell) watcher.output(host, now, output, payload)
    },
    violations: () => violations,
    openWants: () => wants.open(),
    fingerprint: () => fingerprint.digest(),
    end() {
      for (const host of hosts)
        for (const invariant of invariants) invariant.second?.(host, localNow(clock, host))
    },
  }
}

function localNow(clock: Clock, host: HostView): number {
  return clock.now() + host.station.clockOffsetMs
}
