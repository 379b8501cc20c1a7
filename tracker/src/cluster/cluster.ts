import { setTimeout as sleep } from 'node:timers/promises'
import type { PolicyRule } from '../policy/policy-rule.ts'
import { writeRule } from '../policy/read-policies.ts'
import type { AbroadFacts } from '../registry/abroad.ts'
import type { Action } from '../registry/action.ts'
import type { ClusterSide } from '../registry/cluster-side.ts'
import type { Log } from '../server/log.ts'
import { beatMs, type Hub, type JoinHub, type Row } from './hub.ts'
import { isLater, type NodeId, type Ruling } from './node-message.ts'
import type { Outbox, OutboxCounters } from './outbox.ts'
import { parseBatch, parseNodeMessage } from './parse-batch.ts'
import { writeNodeMessage } from './write-batch.ts'

export interface ClusterParts {
  readonly join: JoinHub
  readonly outbox: Outbox
  readonly side: ClusterSide
  readonly perform: (actions: readonly Action[]) => void
  /** The rules in force here, and how to replace them. */
  readonly rules: () => readonly PolicyRule[]
  readonly setRules: (rules: readonly PolicyRule[]) => void
  /** Whether the other machines can be reached changed. */
  readonly onChange: (isUp: boolean) => void
  readonly log: Log
  /** Monotonic ms. */
  readonly now: () => number
}

/** One machine's place among several: keeps the directory true, carries the registry's messages, shares the rules. */
export interface Cluster {
  /** Call it ten times a second. */
  tick(): void
  /** These rules apply everywhere from now on. */
  shareRules(rules: readonly PolicyRule[]): void
  /** This machine is being emptied: nobody is sent here any more; what is under way ends well. */
  leave(): Promise<void>
  close(): Promise<void>
  facts(): ClusterFacts
}

export interface ClusterFacts extends AbroadFacts {
  readonly isUp: boolean
  /** Nodes alive, this one included. */
  readonly nodes: number
  readonly out: Readonly<OutboxCounters>
  readonly inbound: Readonly<InboundCounters>
  /** Of the last sign of life, s. */
  readonly directorySeconds: number
  readonly directoryFailures: number
}

interface InboundCounters {
  messages: number
  batches: number
  bytes: number
  malformed: number
}

/** Rows that go to the directory at once. */
const mostRows = 2_000
/** Everything is written anew within so many signs of life: rows that a directory lost, or that it let expire. */
const renewals = 120
/** How long leaving waits for a directory that does not answer, ms; the others see by themselves who is gone. */
const leaveMs = 1_000
/** A node that nobody heard is left alone so long, ms; it says itself when it is back. */
const unheardMs = 5_000

export function createCluster(parts: ClusterParts): Cluster {
  const { outbox, side, perform, rules, setRules, onChange, log, now } = parts
  const self = outbox.node
  const inbound: InboundCounters = { messages: 0, batches: 0, bytes: 0, malformed: 0 }
  /** Nodes not to be sent to, and until when. */
  const gone = new Map<NodeId, number>()
  let alive: ReadonlySet<NodeId> = new Set()
  let ruling: Ruling = { type: 'rules', version: 0, by: '', rules: rules() }
  let state: 'starting' | 'up' | 'down' | 'leaving' | 'closed' = 'starting'
  let putting = false
  /** Whether the directory has a sign of life since it was last reached. */
  let isSigned = false
  let beatenAt = Number.NEGATIVE_INFINITY
  let beating = false
  let directorySeconds = 0
  let directoryFailures = 0

  const hub: Hub = parts.join(self, { onText, onUp, onDown })

  return {
    tick() {
      if (state === 'starting' || state === 'closed' || state === 'down') return
      if (state !== 'leaving' && now() - beatenAt >= beatMs) void beat()
      void put()
    },
    shareRules(next) {
      if (sameRules(next, ruling.rules)) return
      ruling = { type: 'rules', version: ruling.version + 1, by: self, rules: next }
      void publishRules()
    },
    async leave() {
      if (state === 'leaving' || state === 'closed') return
      const wasUp = state === 'up'
      state = 'leaving'
      side.leave()
      if (!wasUp) return
      outbox.post('all', { type: 'bye' })
      outbox.flush()
      const late = new AbortController()
      await Promise.race([
        hub.directory.leave().catch(failed),
        sleep(leaveMs, undefined, { signal: late.signal }).catch(() => {}),
      ])
      late.abort()
    },
    async close() {
      if (state === 'closed') return
      await this.leave()
      state = 'closed'
      outbox.close()
      await hub.close()
    },
    facts: () => ({
      ...side.facts(),
      isUp: state === 'up',
      nodes: alive.size,
      out: outbox.counters,
      inbound,
      directorySeconds,
      directoryFailures,
    }),
  }

  function onUp(): void {
    if (state === 'closed') return
    outbox.connect(hub.bus, unheard)
    if (state === 'leaving') return
    if (state !== 'up') {
      const message = `Joined the cluster as ${self}.`
      log({ level: 'info', event: 'cluster-up', message, fields: { node: self } })
    }
    state = 'up'
    // What was known may be lost on the other side, and others may not know us any more.
    side.renew()
    outbox.post('all', { type: 'hello', mark: side.mark() })
    void (async () => {
      // Rows of a node without a sign of life are taken for a dead one's.
      isSigned = false
      await beat()
      isSigned = true
      await readBoard()
      await put()
      if (state === 'up') onChange(true)
    })()
  }

  function onDown(reason: string): void {
    if (state === 'closed') return
    outbox.connect(null)
    if (state !== 'up' && state !== 'starting') return
    state = 'down'
    onChange(false)
    log({
      level: 'warn',
      event: 'cluster-down',
      message: `The cluster cannot be reached (${reason}). Viewers here go on meeting each other; it is tried again and again.`,
    })
  }

  function onText(text: string): void {
    const batch = parseBatch(text)
    if (batch === null) {
      inbound.malformed++
      return
    }
    if (batch.from === self || state === 'closed') return
    inbound.batches++
    inbound.bytes += Buffer.byteLength(text)
    inbound.messages += batch.messages.length
    inbound.malformed += batch.malformed
    if ((gone.get(batch.from) ?? 0) < Number.POSITIVE_INFINITY) gone.delete(batch.from)
    for (const message of batch.messages) {
      if (message.type === 'bye') {
        gone.set(batch.from, Number.POSITIVE_INFINITY)
        perform(side.keep(node => node !== batch.from))
      } else if (message.type === 'rules') take(message)
      else if (message.type === 'hello') compare(batch.from, message.mark)
      else perform(side.heard(batch.from, message))
    }
  }

  function compare(node: NodeId, mark: string): void {
    if (mark === side.mark()) return
    log({
      level: 'error',
      event: 'cluster-secret',
      message: `${node} has another secret: groups that span the two machines are split. Give all machines the same.`,
      fields: { node },
    })
  }

  function unheard(node: NodeId): void {
    if (gone.get(node) === Number.POSITIVE_INFINITY) return
    gone.set(node, now() + unheardMs)
    perform(side.lost(node))
  }

  function isGone(node: NodeId): boolean {
    return (gone.get(node) ?? 0) > now()
  }

  async function beat(): Promise<void> {
    if (beating) return
    beating = true
    beatenAt = now()
    const { rows } = side.facts()
    side.renew(Math.ceil(rows / renewals))
    try {
      alive = await hub.directory.beat()
      directorySeconds = (now() - beatenAt) / 1_000
      for (const node of gone.keys()) if (!alive.has(node)) gone.delete(node)
      perform(side.keep(node => alive.has(node) && !isGone(node)))
    } catch (error) {
      failed(error)
    } finally {
      beating = false
    }
  }

  /** Tells the directory what has changed here, and the other nodes of those rows. One at a time, the newest state wins. */
  async function put(): Promise<void> {
    if (putting || !isSigned || state === 'leaving') return
    const entries = side.takeNews(mostRows)
    if (entries.length === 0) return
    putting = true
    try {
      const found = await hub.directory.put(entries)
      const rows = new Map<string, Row>()
      for (const [row, cells] of found) rows.set(row, new Map([...cells].filter(([node]) => !isGone(node))))
      for (const { row, value } of entries)
        for (const node of rows.get(row)?.keys() ?? [])
          if (node !== self) outbox.post(node, { type: 'count', row, value })
      perform(side.learned(rows))
    } catch (error) {
      side.returnNews(entries)
      failed(error)
    } finally {
      putting = false
    }
  }

  function take(later: Ruling): void {
    if (!isLater(later, ruling)) return
    ruling = later
    setRules(later.rules)
    log({
      level: 'info',
      event: 'policy',
      message: `Rules that were set at ${later.by} apply here too.`,
      fields: { rules: later.rules.length },
    })
  }

  /** Whoever was away learns what was decided meanwhile, or says what it decided itself. */
  async function readBoard(): Promise<void> {
    try {
      const kept = await hub.board.read()
      const known = kept === null ? null : parseNodeMessage(parseOrNull(kept))
      if (known?.type === 'rules' && isLater(known, ruling)) return take(known)
      if (known?.type === 'rules' && !isLater(ruling, known)) return
      if (ruling.version === 0 && ruling.rules.length === 0) return
      if (ruling.version === 0) ruling = { ...ruling, version: 1, by: self }
      await publishRules()
    } catch (error) {
      failed(error)
    }
  }

  async function publishRules(): Promise<void> {
    outbox.post('all', ruling)
    await hub.board.write(writeNodeMessage(ruling)).catch(failed)
  }

  /** The hub itself says when it is down. */
  function failed(_error: unknown): void {
    directoryFailures++
  }
}

export function sameRules(a: readonly PolicyRule[], b: readonly PolicyRule[]): boolean {
  return JSON.stringify(a.map(writeRule)) === JSON.stringify(b.map(writeRule))
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
