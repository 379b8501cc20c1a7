/** A CPU profile as `Profiler.stop` gives it (Chrome DevTools Protocol), as far as it is read here. */
export interface Profile {
  readonly nodes: readonly ProfileNode[]
  /** Microseconds. */
  readonly startTime: number
  readonly endTime: number
  readonly samples?: readonly number[]
  /** Before each sample, microseconds; the first one since `startTime`. */
  readonly timeDeltas?: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    /** Of the function's beginning, from zero. */
    readonly lineNumber: number
    readonly columnNumber: number
  }
  readonly children?: readonly number[]
}

/** Whose work a function is; `native` and those below it are no script of the bundle. */
export const groups = [
  'core',
  'wire',
  'host',
  'hashing',
  'transport',
  'mesh',
  'edge',
  'player stub',
  'other script',
  'native',
  'garbage collection',
  'idle',
] as const

export type Group = (typeof groups)[number]

/** Time spent in one function itself. */
export interface Spent {
  readonly group: Group
  readonly name: string
  /** Where the function is written; '' for none. */
  readonly source: string
  /** What the platform's own functions that it called took included, microseconds. */
  readonly us: number
  readonly nativeUs: number
}

const library = (...names: string[]) => new RegExp(`node_modules/(${names.join('|')})/`)

/** The first that fits. The wire's libraries bring their own, simple-peer comes with its own inside. */
const rooms: readonly (readonly [Group, RegExp])[] = [
  ['core', /peer-core\/src\/core\//],
  ['wire', /peer-core\/src\/adapters\/wire\//],
  [
    'wire',
    library(
      ...['bittorrent-protocol', 'bencode', 'bitfield', 'streamx', 'throughput', 'unordered-array-remove'],
      ...['uint8-util', 'fast-fifo', 'queue-tick', 'events', 'events-universal', 'b4a', 'text-decoder'],
      ...['debug', 'ms'],
    ),
  ],
  ['hashing', /peer-core\/src\/(adapters\/hasher|integrity)\/|node_modules\/(@noble|hash-wasm)\//],
  ['transport', /peer-core\/src\/adapters\/transport\/|node_modules\/simple-peer\//],
  ['mesh', /peer-core\/src\/(mesh|signalling|adapters\/tracker-client)[./]/],
  ['edge', /edge-fallback\/src\//],
  ['player stub', /test\/bench\/|player-plugin\/src\/(headless|hls)\//],
  ['host', /(peer-core|player-plugin)\/src\//],
]

export function groupOf(source: string): Group {
  return rooms.find(([, where]) => where.test(source))?.[0] ?? 'other script'
}

/**
 * Self time by function. A function of the platform has no source of its own and counts for the script that called
 * it; where none did (the event loop, events being made) it is `native`.
 *
 * @param sourceOf the written file behind a place in the profiled script; null for none
 */
export function spentIn(
  profile: Profile,
  sourceOf: (url: string, line: number, column: number) => string | null,
): Spent[] {
  const ownUs = selfTimes(profile)
  const nodes = new Map(profile.nodes.map(node => [node.id, node]))
  const functions = new Map<
    string,
    { group: Group; name: string; source: string; us: number; nativeUs: number }
  >()
  const add = (owner: Pick<Spent, 'group' | 'name' | 'source'>, us: number, isNative: boolean) => {
    const key = `${owner.group}\n${owner.source}\n${owner.name}`
    const entry = functions.get(key) ?? { ...owner, us: 0, nativeUs: 0 }
    entry.us += us
    if (isNative) entry.nativeUs += us
    functions.set(key, entry)
  }

  const visit = (node: ProfileNode, caller: Pick<Spent, 'group' | 'name' | 'source'> | null) => {
    const { functionName, url, lineNumber, columnNumber } = node.callFrame
    const us = ownUs.get(node.id) ?? 0
    const source = url === '' ? null : sourceOf(url, lineNumber, columnNumber)
    const name = functionName || '(anonymous)'
    const owner = source !== null ? { group: groupOf(source), name, source } : caller
    if (source === null && url !== '') add({ group: 'other script', name, source: url }, us, false)
    else if (owner) add(owner, us, source === null)
    else add({ group: platformGroup(functionName), name, source: '' }, us, true)
    for (const id of node.children ?? []) {
      const child = nodes.get(id)
      if (child) visit(child, owner)
    }
  }
  const [root] = profile.nodes
  if (root) visit(root, null)
  return [...functions.values()].filter(({ us }) => us > 0).sort((a, b) => b.us - a.us)
}

/** Microseconds by group; all groups are there. */
export function byGroup(spent: readonly Spent[]): Record<Group, { us: number; nativeUs: number }> {
  const sums = Object.fromEntries(groups.map(group => [group, { us: 0, nativeUs: 0 }])) as Record<
    Group,
    { us: number; nativeUs: number }
  >
  for (const { group, us, nativeUs } of spent) {
    sums[group].us += us
    sums[group].nativeUs += nativeUs
  }
  return sums
}

/** A sample stands for the time until the next one. */
function selfTimes({ samples = [], timeDeltas = [], startTime, endTime }: Profile): Map<number, number> {
  const times = new Map<number, number>()
  let at = startTime + (timeDeltas[0] ?? 0)
  for (const [i, id] of samples.entries()) {
    const next = i + 1 < samples.length ? at + (timeDeltas[i + 1] ?? 0) : Math.max(at, endTime)
    times.set(id, (times.get(id) ?? 0) + Math.max(0, next - at))
    at = next
  }
  return times
}

function platformGroup(functionName: string): Group {
  switch (functionName) {
    case '(idle)':
      return 'idle'
    case '(garbage collector)':
      return 'garbage collection'
    default:
      return 'native'
  }
}
