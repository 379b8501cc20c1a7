import { describe, expect, it } from 'vitest'
import type { Core, Input } from './events.ts'
import { entryOf, peerNamed, self } from './testing/probe.ts'
import { recordCore, replayTrace } from './trace.ts'

const track = 'v'

function feed(core: Core, now: number, input: Input): void {
  core.handle(now, input)
  while (core.poll());
}

/** A short session: alone, then beside a peer that holds the next segment. */
function record(): string {
  const lines: string[] = []
  const core = recordCore({ self, seed: 3, config: {} }, line => lines.push(line))
  const peer = peerNamed(1)
  feed(core, 0.125, { type: 'window', track, live: false, entries: [entryOf(0), entryOf(1)] })
  feed(core, 1 / 3, { type: 'want', id: 1, key: 'segment 0', track, deadline: 0, urgency: 'start' })
  feed(core, 20, { type: 'edgeData', fetch: 1, offset: 0, length: 200_000, size: 200_000, etag: '"1"' })
  feed(core, 21, { type: 'peerJoined', peer, place: 'group', hello: { v: 1, mode: 'share', reqq: 250 } })
  feed(core, 22, { type: 'message', peer, message: { type: 'ping', id: 1 } })
  feed(core, 23, { type: 'want', id: 2, key: 'segment 1', track, deadline: 9000, urgency: 'play' })
  feed(core, 5000, { type: 'tick' })
  return lines.join('\n')
}

describe('a trace', () => {
  it('replays to the same outputs, to the byte', () => {
    const trace = record()
    const result = replayTrace(trace)
    expect(result).toMatchObject({ ok: true, inputs: 7 })
    expect(result.ok && result.outputs).toBe(trace.split('\n').filter(line => line.startsWith('{"o"')).length)
  })

  it('is the same text each time', () => {
    expect(record()).toBe(record())
  })

  it('whose output was changed is found, with its line', () => {
    const lines = record().split('\n')
    const index = lines.findIndex(line => line.includes('"pong"'))
    lines[index] = lines[index]!.replace('"id":1', '"id":2')
    const result = replayTrace(lines.join('\n'))
    expect(result).toMatchObject({ ok: false, line: index + 1 })
    expect(!result.ok && result.actual).toContain('"id":1')
  })

  it('with an output too many is found', () => {
    const lines = record().split('\n')
    const index = lines.findIndex(line => line.includes('"pong"'))
    lines.splice(index, 0, lines[index]!)
    expect(replayTrace(lines.join('\n'))).toMatchObject({ ok: false, line: index + 2 })
  })

  it('with an output too few is found at the input that follows', () => {
    const lines = record().split('\n')
    const index = lines.findIndex(line => line.includes('"pong"'))
    lines.splice(index, 1)
    const result = replayTrace(lines.join('\n'))
    expect(result.ok).toBe(false)
    expect(!result.ok && result.actual).toContain('pong')
  })

  it('cut short at its end is found', () => {
    const lines = record().split('\n')
    expect(lines.at(-1)).toContain('"o"')
    const result = replayTrace(lines.slice(0, -1).join('\n'))
    expect(result).toMatchObject({ ok: false, line: lines.length })
  })

  it('of another version, or no trace at all, is refused', () => {
    expect(replayTrace('{"nearcast":2}')).toMatchObject({ ok: false, line: 1 })
    expect(replayTrace('')).toMatchObject({ ok: false, line: 1 })
  })
})
