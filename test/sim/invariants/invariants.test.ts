import { expect, it } from 'vitest'
import type { Output } from '../../../peer-core/src/core/events.ts'
import { mixedScenario } from '../mixture.ts'
import { nearcastPolicy } from '../policies/nearcast.ts'
import { officeScenario, type Scenario } from '../scenario.ts'
import { brokenCores, type Tampering } from '../tamper.ts'
import { type Outcome, runWorld } from '../world.ts'

/** Each rule is shown to fail: a core is spoilt in one place and the rule must notice. */

const small: Scenario = { ...officeScenario, viewers: 4, joinOverMs: 6_000, durationMs: 30_000 }

function rulesBroken(tampering: () => Tampering, scenario: Scenario = small): string[] {
  return [...new Set(outcomeOf(tampering, scenario).violations.map(violation => violation.rule))]
}

function outcomeOf(tampering: () => Tampering, scenario: Scenario): Outcome {
  const factory = brokenCores(tampering)
  return runWorld({ scenario, seed: 5, policy: watcher => nearcastPolicy(factory, watcher, scenario) })
}

function on<T extends Output['type']>(
  type: T,
  change: (output: Extract<Output, { type: T }>) => readonly Output[],
): () => Tampering {
  return () => ({
    output: output => (output.type === type ? change(output as Extract<Output, { type: T }>) : [output]),
  })
}

it('finds nothing wrong with the real core here', () => {
  expect(rulesBroken(() => ({}))).toEqual([])
})

it('notices a want that ends twice', () => {
  expect(rulesBroken(on('deliver', output => [output, output]))).toContain('wants')
})

it('notices a want that never ends', () => {
  // A recording: a live player would jump to the edge in the end, and cancel.
  const stream = { ...small.stream, kind: 'vod', vodSegments: 100 } as const
  const forgetful = on('deliver', () => [])
  const { violations } = outcomeOf(forgetful, { ...small, stream, durationMs: 70_000 })
  expect(violations.some(({ at, what }) => at < 70_000 && /has been open for/.test(what))).toBe(true)
})

it('notices a want that never ends in a world that ends sooner than it could be missed', () => {
  for (const scenario of [{ ...small, durationMs: 10_000 }, mixedScenario(1), mixedScenario(2)]) {
    // Only what is asked for late is forgotten.
    const late = (): Tampering => {
      const wants = new Set<number>()
      return {
        input(input) {
          if (input.type === 'want') wants.add(input.id)
          return [input]
        },
        output: output => (output.type === 'deliver' && wants.size > 3 ? [] : [output]),
      }
    }
    const { violations } = outcomeOf(late, scenario)
    expect(violations.map(({ rule }) => rule)).toContain('wants')
    expect(violations.every(({ what }) => /has been open for/.test(what))).toBe(true)
  }
})

it('notices a want that ends after it was cancelled', () => {
  let cancelled = -1
  const tampering = (): Tampering => ({
    input(input) {
      if (input.type === 'cancel') cancelled = input.id
      return [input]
    },
    output(output) {
      if (cancelled < 0) return [output]
      const late = { type: 'fail', id: cancelled, key: 'video/1', reason: 'edge-busy' } as const
      cancelled = -1
      return [output, late]
    },
  })
  const seeking: Scenario = {
    ...small,
    stream: { ...small.stream, kind: 'vod', vodSegments: 100 },
    lineRatio: 1.3,
    actions: [{ atMs: 10_000, viewer: 0, does: { type: 'seek', toMs: 90_000 } }],
  }
  expect(rulesBroken(tampering, seeking)).toContain('wants')
})

it('notices wrong bytes that are relayed and played', () => {
  // Every check comes out well, whatever the bytes.
  const credulous = (): Tampering => ({
    input: input => [input.type === 'verified' ? { ...input, bad: [] } : input],
  })
  const lying = { ...small, viewers: 16, joins: 'storm', faults: { slow: 0, silent: 0, lying: 0.5 } } as const
  const rules = rulesBroken(credulous, lying)
  expect(rules).toContain('wrong-bytes')
  expect(rules).toContain('relay')
})

it('notices blocks that are relayed and played unverified', () => {
  const careless = (): Tampering => {
    const jobs: number[] = []
    return {
      output(output) {
        if (output.type !== 'verify' || output.what !== 'blocks') return [output]
        jobs.push(output.job)
        return []
      },
      input(input) {
        const answers = jobs.splice(0).map(job => ({ type: 'verified', job, bad: [] }) as const)
        return [...answers, input]
      },
    }
  }
  const rules = rulesBroken(careless)
  expect(rules).toContain('relay')
  expect(rules).toContain('unverified')
})

it('notices delivered and stored bytes that are not here', () => {
  const rules = rulesBroken(on('accept', output => (output.offset === 0 ? [] : [output])))
  expect(rules).toContain('deliver')
  expect(rules).toContain('store')
})

it('notices an accept that reaches beyond what came', () => {
  expect(rulesBroken(on('accept', output => [{ ...output, length: output.length + 1 }]))).toContain('accept')
})

it('notices sums that do not add up', () => {
  const rules = rulesBroken(on('deliver', output => [{ ...output, edgeBytes: output.edgeBytes + 1 }]))
  expect(rules).toEqual(['deliver'])
})

it('notices blocks verified without a proven list', () => {
  expect(rulesBroken(on('verify', output => (output.what === 'hashes' ? [] : [output])))).not.toContain(
    'verify',
  )
  const rash = on('verify', output => [{ ...output, what: 'blocks' }])
  expect(rulesBroken(rash)).toContain('verify')
})

it('notices pieces that nobody asked for, or twice', () => {
  const twice = on('send', output => (output.message.type === 'piece' ? [output, output] : [output]))
  expect(rulesBroken(twice)).toContain('wire')
})

it('notices a piece before its hashes', () => {
  const mute = on('send', output => (output.message.type === 'hashes' ? [] : [output]))
  expect(rulesBroken(mute)).toContain('wire')
})

it('notices an offer number used again, and an offer on a track without a name', () => {
  const again = on('send', output =>
    output.message.type === 'offer' ? [{ ...output, message: { ...output.message, n: 0 } }] : [output],
  )
  expect(rulesBroken(again)).toContain('wire')
  const nameless = on('send', output => (output.message.type === 'track' ? [] : [output]))
  expect(rulesBroken(nameless)).toContain('wire')
})

it('notices requests too long', () => {
  const greedy = on('send', output =>
    output.message.type === 'request'
      ? [{ ...output, message: { ...output.message, length: 70_000 } }]
      : [output],
  )
  expect(rulesBroken(greedy)).toContain('wire')
})

it('notices messages to a stranger', () => {
  const stray = on('send', output => [{ ...output, peer: 'f'.repeat(40) }])
  expect(rulesBroken(stray)).toContain('wire')
})

it('notices a fetch number used again, an empty range and an abort of nothing', () => {
  expect(rulesBroken(on('fetchEdge', output => [{ ...output, fetch: 1 }]))).toContain('fetch')
  expect(rulesBroken(on('fetchEdge', output => [{ ...output, from: 5, to: 5 }]))).toContain('fetch')
  const abort = on('deliver', output => [output, { type: 'abortEdge', fetch: 9_999 }])
  expect(rulesBroken(abort)).toContain('fetch')
})

it('notices tables and bytes that grow too large', () => {
  for (const name of ['segments', 'offers', 'asks', 'fetches', 'queued', 'heldBytes'] as const) {
    expect(rulesBroken(() => ({ inspect: sizes => ({ ...sizes, [name]: 1e12 }) }))).toEqual(['memory'])
  }
})

it('notices bytes that are kept beyond the budget', () => {
  const hoarding = { ...small, storeBytes: -33_554_432 + 1_000_000 }
  expect(
    rulesBroken(
      on('evict', () => []),
      hoarding,
    ),
  ).toContain('memory')
})

it('notices a core that spins on its timer', () => {
  const late = (): Tampering => ({ after: now => [{ type: 'wakeAt', at: now - 5 }] })
  expect(rulesBroken(late)).toContain('timers')
  const eager = (): Tampering => ({ after: now => [{ type: 'wakeAt', at: now + 0.1 }] })
  expect(rulesBroken(eager)).toContain('timers')
})

it('notices a core that floods its links', () => {
  const noisy = on('send', output =>
    output.message.type === 'position' ? Array.from({ length: 2_000 }, () => output) : [output],
  )
  expect(rulesBroken(noisy)).toContain('chatter')
})
