import type { Dice } from './random.ts'
import type { Scenario } from './scenario.ts'
import type { Conduct } from './station.ts'

/** One seat: when somebody sits down there, and what kind of peer that is. */
export interface Seat {
  readonly index: number
  readonly site: number
  readonly joinMs: number
  readonly conduct: Conduct
  readonly mode: 'share' | 'leech'
}

/** Who comes when. The first viewer is honest and shares, or there would be nobody to compare with. */
export function planSeats(scenario: Scenario, dice: Dice): readonly Seat[] {
  const { viewers } = scenario
  const joins = joinTimes(scenario, dice.fork('joins'))
  const conducts = assign(viewers, dice.fork('conduct'), [
    ['slow', scenario.faults.slow],
    ['silent', scenario.faults.silent],
    ['lying', scenario.faults.lying],
  ])
  const leeches = assign(viewers, dice.fork('leech'), [['leech', scenario.leech]])
  return joins.map((joinMs, index) => ({
    index,
    site: index % scenario.sites,
    joinMs,
    conduct: (conducts.get(index) as Conduct | undefined) ?? 'honest',
    mode: leeches.has(index) ? 'leech' : 'share',
  }))
}

function joinTimes(scenario: Scenario, dice: Dice): number[] {
  const { viewers, joinOverMs, durationMs } = scenario
  const firstMs = 500
  switch (scenario.joins) {
    case 'storm':
      return Array.from({ length: viewers }, () => firstMs + dice.between(0, 1_000))
    case 'staggered': {
      const gap = viewers > 1 ? joinOverMs / (viewers - 1) : 0
      return Array.from({ length: viewers }, (_, i) => firstMs + i * gap + dice.between(0, gap / 4))
    }
    case 'steady': {
      const times = Array.from({ length: viewers }, () => dice.between(0, (durationMs * 2) / 3))
      return times.map(time => firstMs + time).sort((a, b) => a - b)
    }
  }
}

function assign(
  viewers: number,
  dice: Dice,
  kinds: readonly (readonly [string, number])[],
): Map<number, string> {
  const order = dice.shuffle(Array.from({ length: viewers - 1 }, (_, i) => i + 1))
  const assigned = new Map<number, string>()
  for (const [kind, share] of kinds) {
    for (let count = Math.round(share * viewers); count > 0 && order.length > 0; count--) {
      assigned.set(order.pop()!, kind)
    }
  }
  return assigned
}
