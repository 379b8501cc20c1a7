import type { CoreConfig } from './config.ts'
import { createCore } from './core.ts'
import type { Core, Input, Output } from './events.ts'

/**
 * A session as text: one JSON value a line. The first names the core; then each input with its time, each followed by
 * the outputs it caused. No payloads: the core never sees any. JSON keeps doubles exactly (ECMA-404 with shortest
 * round-trip printing), and the core's arithmetic is + − × ÷ √ only, so every engine replays it alike.
 */

interface Head {
  readonly nearcast: 1
  readonly self: string
  readonly seed: number
  readonly config: Partial<CoreConfig>
}

/** Wraps a core so that everything that goes in and comes out is written down. */
export function recordCore(head: Omit<Head, 'nearcast'>, write: (line: string) => void): Core {
  const core = createCore(head)
  write(JSON.stringify({ nearcast: 1, ...head }))
  return {
    handle(now, input) {
      write(JSON.stringify({ t: now, i: input }))
      core.handle(now, input)
    },
    poll() {
      const output = core.poll()
      if (output) write(JSON.stringify({ o: output }))
      return output
    },
    inspect: () => core.inspect(),
  }
}

export type ReplayResult =
  | { readonly ok: true; readonly inputs: number; readonly outputs: number }
  | { readonly ok: false; readonly line: number; readonly expected: string; readonly actual: string }

/** Feeds a trace's inputs to a fresh core and holds its outputs against the recorded ones, byte for byte. */
export function replayTrace(trace: string): ReplayResult {
  const lines = trace.split('\n').filter(line => line !== '')
  const head = JSON.parse(lines[0] ?? '{}') as Head
  if (head.nearcast !== 1)
    return { ok: false, line: 1, expected: 'a trace of version 1', actual: lines[0] ?? '' }
  const core = createCore(head)
  let inputs = 0
  let outputs = 0
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index]!
    if (line.startsWith('{"t":')) {
      const left = next(core)
      if (left !== '') return { ok: false, line: index + 1, expected: '', actual: left }
      const { t, i } = JSON.parse(line) as { t: number; i: Input }
      core.handle(t, i)
      inputs++
      continue
    }
    const actual = next(core)
    if (actual !== line) return { ok: false, line: index + 1, expected: line, actual }
    outputs++
  }
  const left = next(core)
  if (left !== '') return { ok: false, line: lines.length + 1, expected: '', actual: left }
  return { ok: true, inputs, outputs }
}

function next(core: Core): string {
  const output: Output | null = core.poll()
  return output ? JSON.stringify({ o: output }) : ''
}
