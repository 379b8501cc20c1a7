import { defaultConfig } from '../../peer-core/src/core/config.ts'
import { type FigureName, judge, type Mean, type Measures, meanOf, sweepFigures } from './sweep-figures.ts'
import { nameOf, type Sweep, type World } from './sweeps.ts'

/** One value of a constant in one world, over the seeds. */
export interface SweepRow {
  readonly world: World
  readonly value: number
  /** One a seed, in their order. */
  readonly runs: readonly Measures[]
}

/** A heading, the reason, the command that gives the table, and the table, in Markdown. */
export function section(sweep: Sweep, rows: readonly SweepRow[], flags = ''): string {
  const { constant, reason } = sweep
  return [
    `### ${constant}`,
    '',
    reason,
    '',
    `\`npm run sim:sweep -- --only ${constant}${flags}\``,
    '',
    ...markdownTable(cellsOf(sweep, rows)),
  ].join('\n')
}

/** What `--json` prints of a row. */
export interface SweepJson {
  readonly constant: string
  readonly world: string
  readonly value: number
  readonly isDefault: boolean
  readonly seeds: number
  readonly violations: number
  readonly figures: Readonly<Partial<Record<FigureName, Mean>>>
}

export function jsonOf({ constant, figures }: Sweep, { world, value, runs }: SweepRow): SweepJson {
  const means = figures.map(name => [name, meanOf(runs.map(run => run[name]))])
  return {
    constant,
    world: nameOf(world),
    value,
    isDefault: value === defaultConfig[constant],
    seeds: runs.length,
    violations: violationsOf([{ world, value, runs }]),
    figures: Object.fromEntries(means),
  }
}

function cellsOf(sweep: Sweep, rows: readonly SweepRow[]): string[][] {
  const { constant, figures } = sweep
  // A column of nothing but zeros is the rule, and no news.
  const isBroken = violationsOf(rows) > 0
  const head = [
    'world',
    constant,
    ...figures.map(name => sweepFigures[name].title),
    ...(isBroken ? ['broken'] : []),
  ]
  const lines: Line[] = []
  for (const row of rows) {
    const standard = rows.find(
      ({ world, value }) => world === row.world && value === defaultConfig[constant],
    )!
    const cells = [
      ...figures.map(name => cell(name, row, standard)),
      ...(isBroken ? [String(violationsOf([row]))] : []),
    ]
    const before = lines.at(-1)
    if (before?.world === row.world && before.cells.join() === cells.join()) before.values.push(row.value)
    else lines.push({ world: row.world, values: [row.value], cells })
  }
  return [
    head,
    ...lines.map(({ world, values, cells }, i) => [
      lines[i - 1]?.world === world ? '' : nameOf(world),
      span(values, defaultConfig[constant]),
      ...cells,
    ]),
  ]
}

/** Neighbouring values with which everything reads the same. */
interface Line {
  readonly world: World
  readonly values: number[]
  readonly cells: readonly string[]
}

/** `1500 (default)`, or `500 to 3000 (default 1500)`. */
function span(values: readonly number[], standard: number): string {
  const [first, last] = [text(values[0]!), text(values.at(-1)!)]
  const all = values.length === 1 ? first : `${first} to ${last}`
  if (!values.includes(standard)) return all
  return values.length === 1 ? `${all} (default)` : `${all} (default ${text(standard)})`
}

function violationsOf(rows: readonly SweepRow[]): number {
  return rows.reduce((sum, { runs }) => sum + runs.reduce((all, run) => all + run.violations, 0), 0)
}

/** Bold is better than the default and slanted worse, by more than chance and by what can be read here. */
function cell(name: FigureName, row: SweepRow, standard: SweepRow): string {
  const { digits } = sweepFigures[name]
  const values = row.runs.map(run => run[name])
  const others = standard.runs.map(run => run[name])
  const { mean, error } = meanOf(values)
  const shown = withError(mean, error, digits)
  if (mean.toFixed(digits) === meanOf(others).mean.toFixed(digits)) return shown
  switch (judge(values, others)) {
    case 'better':
      return `**${shown}**`
    case 'worse':
      return `_${shown}_`
    case 'same':
      return shown
  }
}

/** Endless are the copies of a run in which bytes came and nobody got to see a segment. */
function withError(mean: number, error: number, digits: number): string {
  if (mean === Number.POSITIVE_INFINITY) return text(mean)
  const spread = error.toFixed(digits)
  return Number(spread) > 0 ? `${mean.toFixed(digits)} ± ${spread}` : mean.toFixed(digits)
}

function text(value: number): string {
  return value >= 10_000 ? value.toLocaleString('en') : String(value)
}

function markdownTable(cells: readonly (readonly string[])[]): string[] {
  const widths = cells[0]!.map((_, column) => Math.max(3, ...cells.map(line => line[column]!.length)))
  const lines = cells.map(
    line => `| ${line.map((content, column) => content.padEnd(widths[column]!)).join(' | ')} |`,
  )
  return [lines[0]!, `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`, ...lines.slice(1)]
}
