import { setTimeout as sleep } from 'node:timers/promises'
import type { Action, ConnectionId } from '../registry/action.ts'
import type { Readiness } from './readiness.ts'

export interface DrainOptions {
  /** Not ready, but open for business as before, until the balancer has noticed, ms; 0: it needs none. @default 5000 */
  readonly noticeMs?: number
  /** Clients are sent away spread over this, ms. Longer is kinder to the machines that take them. @default 10000 */
  readonly spreadMs?: number
  /**
   * What a client that was asked may take after its time has come, ms: a new socket, an announce there, and a while
   * during which handshakes under way end through the old one. Then it is closed. @default 10000
   */
  readonly graceMs?: number
  /** Whoever is still here then is closed at once, ms since the start. @default 25000 */
  readonly totalMs?: number
}

/** How the connections of a drained tracker ended. */
export interface Drained {
  /** Left by themselves. */
  readonly left: number
  /** Closed by us, since they could not be asked or did not go. */
  readonly closed: number
  /** Still here when the time was over. */
  readonly remaining: number
}

/** What carries connections: the WebSockets, and whatever else does. */
export interface Carrier {
  readonly size: number
  ids(): readonly ConnectionId[]
  refuse(retryAfterSeconds: number): void
  /** False when it is gone already. */
  release(id: ConnectionId): boolean
}

export interface DrainedParts {
  readonly readiness: Readiness
  readonly carriers: readonly Carrier[]
  /** Asks a client to leave; empty when it cannot be asked. */
  readonly dismiss: (id: ConnectionId, afterMs: number) => readonly Action[]
  readonly perform: (actions: readonly Action[]) => void
  /** Monotonic ms. */
  readonly now: () => number
  /** In [0, 1). */
  readonly random: () => number
}

/** Tens of thousands of messages at once would hold everything else up. */
const dismissedAtOnce = 2_000
/** Sockets are closed in slices of what falls due in this. */
const sliceMs = 100

/**
 * Empties a tracker without anybody noticing: not ready; no upgrades; our clients move by themselves, others are
 * closed little by little. Resolves when it is empty or its time is over. Aborting ends it at once.
 */
export async function drain(
  options: DrainOptions,
  parts: DrainedParts,
  signal: AbortSignal,
): Promise<Drained> {
  const { noticeMs = 5_000, spreadMs = 10_000, graceMs = 10_000, totalMs = 25_000 } = options
  const { readiness, carriers, now } = parts
  const deadline = now() + totalMs
  readiness.hold('draining')
  const isEmpty = () => carriers.every(({ size }) => size === 0)
  const count = () => carriers.reduce((sum, { size }) => sum + size, 0)
  let asked = 0
  let closed = 0
  const pass = (ms: number) => sleep(Math.max(0, Math.min(ms, deadline - now())), undefined, { signal })
  try {
    const noticed = now() + noticeMs
    while (!isEmpty() && now() < noticed) await pass(Math.min(sliceMs, noticed - now()))
    // By then another process stands here, if one comes.
    for (const carrier of carriers) carrier.refuse(Math.ceil(Math.max(1_000, deadline - now()) / 1_000))
    asked = count()
    const due = await farewells(parts, spreadMs, graceMs, pass)
    let next = 0
    while (!isEmpty() && now() < deadline) {
      for (let entry = due[next]; entry !== undefined && entry.at <= now(); entry = due[++next])
        if (entry.carrier.release(entry.id)) closed++
      await pass(sliceMs)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  const remaining = count()
  return { left: Math.max(0, asked - closed - remaining), closed, remaining }
}

interface Farewell {
  readonly at: number
  readonly carrier: Carrier
  readonly id: ConnectionId
}

/** Tells each client that can be told when to leave, and says when each is to be closed, soonest first. */
async function farewells(
  { carriers, dismiss, perform, now, random }: DrainedParts,
  spreadMs: number,
  graceMs: number,
  pass: (ms: number) => Promise<void>,
): Promise<Farewell[]> {
  const all: Farewell[] = []
  for (const carrier of carriers) {
    for (const id of carrier.ids()) {
      const afterMs = Math.round(spreadMs * random())
      const actions = dismiss(id, afterMs)
      perform(actions)
      all.push({ carrier, id, at: now() + afterMs + (actions.length > 0 ? graceMs : 0) })
      if (all.length % dismissedAtOnce === 0) await pass(1)
    }
  }
  return all.sort((a, b) => a.at - b.at)
}
