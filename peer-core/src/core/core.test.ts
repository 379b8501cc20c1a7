import { describe, expect, it } from 'vitest'
import { createCore } from './core.ts'
import type { Core, Input, Output, WindowEntry } from './events.ts'

const size = 100_000

function entry(seq: number, root = ''): WindowEntry {
  return { key: `v/${seq}`, seq, slot: seq, startMs: seq * 2000, durationMs: 2000, size, root }
}

function drain(core: Core): Output[] {
  const outputs: Output[] = []
  for (let output = core.poll(); output; output = core.poll())
    if (output.type !== 'trace') outputs.push(output)
  return outputs
}

function run(core: Core, now: number, input: Input): Output[] {
  core.handle(now, input)
  return drain(core)
}

describe('a core alone', () => {
  it('takes what the player asks for from the edge and delivers it whole', () => {
    const core = createCore({ self: 'aa'.repeat(20), seed: 1 })
    run(core, 0, { type: 'window', track: 'v', live: false, entries: [entry(0), entry(1)] })
    const asked = run(core, 1, { type: 'want', id: 7, key: 'v/0', track: 'v', deadline: 1, urgency: 'play' })
    const fetch = asked.find(output => output.type === 'fetchEdge')
    expect(fetch).toMatchObject({ key: 'v/0', from: 0, to: 0 })
    const id = (fetch as { fetch: number }).fetch
    const first = run(core, 20, { type: 'edgeData', fetch: id, offset: 0, length: 60_000, size, etag: '"1"' })
    expect(first).toContainEqual({ type: 'accept', key: 'v/0', offset: 0, length: 60_000 })
    const last = run(core, 30, {
      type: 'edgeData',
      fetch: id,
      offset: 60_000,
      length: 40_000,
      size,
      etag: '"1"',
    })
    expect(last).toContainEqual(
      expect.objectContaining({ type: 'deliver', id: 7, origin: 'edge', edgeBytes: size }),
    )
    expect(last).toContainEqual({ type: 'store', key: 'v/0', size })
    expect(run(core, 31, { type: 'edgeDone', fetch: id, size, etag: '"1"' })).toEqual([])
  })
})
