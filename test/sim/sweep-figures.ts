import { type Figures, figuresOf } from './figures.ts'
import type { Outcome } from './world.ts'

/** What a sweep may show of a run. Of each less is better. */
export type FigureName = keyof typeof sweepFigures

interface SweepFigure {
  readonly title: string
  readonly of: (figures: Figures, outcome: Outcome) => number
  readonly digits: number
}

export const sweepFigures = {
  copies: { title: 'copies', of: f => f.copiesSteady, digits: 2 },
  copiesWithJoins: { title: 'with joins', of: f => f.copiesWithJoins, digits: 2 },
  stalls: { title: 'stalls', of: f => f.stalls, digits: 1 },
  stalled: { title: 'stalled s/viewer-min', of: f => f.detail.stallSecondsPerViewerMinute, digits: 2 },
  startP50: { title: 'start p50, s', of: f => f.startupP50Ms / 1000, digits: 2 },
  startP99: { title: 'start p99, s', of: f => f.startupP99Ms / 1000, digits: 2 },
  seek: { title: 'seek, s', of: (_, outcome) => meanSeekMs(outcome) / 1000, digits: 2 },
  latency: { title: 'latency, s', of: f => f.latencyP50Ms / 1000, digits: 2 },
  duplicate: { title: 'duplicate MB', of: f => f.duplicateBytes / 1e6, digits: 2 },
  control: { title: 'control MB', of: f => f.controlBytes / 1e6, digits: 2 },
} as const satisfies Record<string, SweepFigure>

export type Measures = Readonly<Record<FigureName | 'violations', number>>

/** Everything that a sweep could want of one run: another sweep may want something else of the same. */
export function measuresOf(outcome: Outcome): Measures {
  const figures = figuresOf(outcome)
  const measures = Object.entries(sweepFigures).map(([name, { of }]) => [name, of(figures, outcome)])
  return { ...Object.fromEntries(measures), violations: figures.violations } as Measures
}

export interface Mean {
  readonly mean: number
  /** Standard error of the mean; 0 of a single run. */
  readonly error: number
}

export function meanOf(values: readonly number[]): Mean {
  const count = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, error: count > 1 ? Math.sqrt(squares / (count - 1) / count) : 0 }
}

/** Three standard errors of the difference, seed by seed: with four seeds chance does that once in twenty times. */
const leastErrors = 3

/** Are these better or worse than those of the same seeds, by more than chance? Of three seeds or more. */
export function judge(values: readonly number[], others: readonly number[]): 'better' | 'worse' | 'same' {
  const { mean, error } = meanOf(values.map((value, i) => value - others[i]!))
  if (values.length < 3 || mean === 0 || Math.abs(mean) < leastErrors * error) return 'same'
  return mean < 0 ? 'better' : 'worse'
}

function meanSeekMs({ viewings }: Outcome): number {
  const seeks = viewings.flatMap(viewing => viewing.seeks)
  return seeks.length === 0 ? 0 : meanOf(seeks).mean
}
