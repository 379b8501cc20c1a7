import { describe, expect, it } from 'vitest'
import { byGroup, groupOf, type Profile, spentIn } from './attribution.ts'

const page = 'http://localhost/page.js'
/** One function a line. */
const lines = [
  'peer-core/src/core/picker.ts',
  'peer-core/src/host.ts',
  'node_modules/simple-peer/simplepeer.min.js',
]
const sourceOf = (url: string, line: number) => (url === page ? (lines[line] ?? null) : null)

function node(id: number, functionName: string, line: number | null, children: number[] = []) {
  const callFrame = { functionName, url: line === null ? '' : page, lineNumber: line ?? -1, columnNumber: 0 }
  return { id, callFrame, children }
}

const nodes = [
  node(1, '(root)', null, [2, 3, 4, 5]),
  node(2, '(idle)', null),
  node(3, '(garbage collector)', null),
  node(4, '(program)', null),
  node(5, 'step', 1, [6, 8]),
  node(6, 'pick', 0, [7]),
  node(7, 'sort', null),
  node(8, '', 2, [9]),
  node(9, 'send', null),
]

function profile(samples: number[], timeDeltas: number[], endTime: number): Profile {
  return { nodes, startTime: 1_000, endTime, samples, timeDeltas }
}

describe('the attribution of a CPU profile', () => {
  it('gives each sample the time until the next', () => {
    const spent = spentIn(profile([5, 6, 2], [50, 200, 300], 1_950), sourceOf)
    expect(spent).toEqual([
      { group: 'idle', name: '(idle)', source: '', us: 400, nativeUs: 400 },
      { group: 'core', name: 'pick', source: lines[0], us: 300, nativeUs: 0 },
      { group: 'host', name: 'step', source: lines[1], us: 200, nativeUs: 0 },
    ])
  })

  it('charges what the platform does to the script that called it', () => {
    const sums = byGroup(spentIn(profile([6, 7, 9, 4, 3], [0, 100, 100, 100, 100], 1_500), sourceOf))
    expect(sums.core).toEqual({ us: 200, nativeUs: 100 })
    expect(sums.transport).toEqual({ us: 100, nativeUs: 100 })
    expect(sums.native).toEqual({ us: 100, nativeUs: 100 })
    expect(sums['garbage collection'].us).toBe(100)
    expect(sums.host.us).toBe(0)
  })

  it('loses no time', () => {
    const spent = spentIn(profile([2, 3, 4, 5, 6, 7, 8, 9], [0, 1, 2, 3, 4, 5, 6, 7], 1_036), sourceOf)
    expect(spent.reduce((sum, { us }) => sum + us, 0)).toBe(36)
  })

  it('leaves a script without a source with other scripts', () => {
    const spent = spentIn(profile([5], [0], 1_100), () => null)
    expect(spent).toEqual([{ group: 'other script', name: 'step', source: page, us: 100, nativeUs: 0 }])
  })
})

describe('the group of a source', () => {
  it.each([
    ['peer-core/src/core/codec.ts', 'core'],
    ['peer-core/src/adapters/wire/link.ts', 'wire'],
    ['node_modules/bittorrent-protocol/index.js', 'wire'],
    ['node_modules/streamx/index.js', 'wire'],
    ['../../peer-core/src/host.ts', 'host'],
    ['peer-core/src/host/ledger.ts', 'host'],
    ['player-plugin/src/worker-clock.ts', 'host'],
    ['peer-core/src/integrity/merkle.ts', 'hashing'],
    ['peer-core/src/adapters/hasher/webcrypto.ts', 'hashing'],
    ['peer-core/src/adapters/transport/simple-peer.ts', 'transport'],
    ['peer-core/src/mesh.ts', 'mesh'],
    ['peer-core/src/adapters/tracker-client.ts', 'mesh'],
    ['edge-fallback/src/source/transfer.ts', 'edge'],
    ['player-plugin/src/headless/viewer.ts', 'player stub'],
    ['test/bench/cpu/page.ts', 'player stub'],
    ['node_modules/idb-keyval/dist/index.js', 'other script'],
  ])('%s is %s', (source, group) => {
    expect(groupOf(source)).toBe(group)
  })
})
