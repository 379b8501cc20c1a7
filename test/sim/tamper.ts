import { createCore } from '../../peer-core/src/core/core.ts'
import type { Core, Input, Output } from '../../peer-core/src/core/events.ts'
import type { CoreFactory } from './policies/nearcast.ts'

/** What a broken core does otherwise than the real one, which it wraps. */
export interface Tampering {
  /** What goes in instead; none: nothing. */
  input?(input: Input): readonly Input[]
  /** What comes out instead; none: nothing. */
  output?(output: Output): readonly Output[]
  /** What comes out besides, after each input. */
  after?(now: number): readonly Output[]
  inspect?(sizes: ReturnType<Core['inspect']>): ReturnType<Core['inspect']>
}

/** The fixture of tests that show each invariant fail: the real core, spoilt in one place. */
export function brokenCores(tampering: () => Tampering): CoreFactory {
  return seat => {
    const core = createCore(seat)
    const spoilt = tampering()
    const outputs: Output[] = []
    return {
      handle(now, input) {
        for (const item of spoilt.input?.(input) ?? [input]) {
          core.handle(now, item)
          for (let output = core.poll(); output !== null; output = core.poll()) {
            outputs.push(...(spoilt.output?.(output) ?? [output]))
          }
        }
        outputs.push(...(spoilt.after?.(now) ?? []))
      },
      poll: () => outputs.shift() ?? null,
      inspect: () => spoilt.inspect?.(core.inspect()) ?? core.inspect(),
    }
  }
}
