import UPlot from 'uplot'
import type { Series } from '../../src/reports/figures.ts'
import { mbps } from './units.ts'

export interface Charts {
  /** `of`: whose figures these are, for people. */
  update(series: Series, endMs: number, slotMs: number, of: string): void
}

const plotHeight = 190

/** Reports come every ten seconds, not in step: a mean over three slots shows what happens, not when they came. */
const smoothing = 3

export function createCharts(line: HTMLElement, viewers: HTMLElement): Charts {
  const lineChart = createChart(line, 'Mbit/s', () => [
    { label: 'watched', stroke: colour('--watched'), width: 1.5, dash: [5, 4] },
    { label: 'over the line', stroke: colour('--line'), fill: colour('--line-fill'), width: 2.5 },
    { label: 'one copy', stroke: colour('--copy'), width: 1.5, dash: [2, 3] },
  ])
  const viewerChart = createChart(viewers, '', () => [
    { label: 'viewers', stroke: colour('--accent'), fill: colour('--accent-fill'), width: 2 },
  ])
  return {
    update(series, endMs, slotMs, of) {
      const times = series.line.map((_, i) => (endMs - (series.line.length - 1 - i) * slotMs) / 1_000)
      const rates = (values: readonly number[]) => smooth(values).map(mbps)
      lineChart.update([times, rates(series.watched), rates(series.line), rates(series.oneCopy)])
      viewerChart.update([times, smooth(series.viewers)])
      const last = (values: readonly number[]) => smooth(values).at(-1) ?? 0
      line.ariaLabel = `Over the line, ${of}: now ${mbps(last(series.line)).toFixed(1)} Mbit/s of ${mbps(last(series.watched)).toFixed(1)} Mbit/s watched; one copy is ${mbps(last(series.oneCopy)).toFixed(1)} Mbit/s.`
      viewers.ariaLabel = `Viewers, ${of}: now ${Math.round(last(series.viewers))}.`
    },
  }
}

function createChart(box: HTMLElement, unit: string, lines: () => UPlot.Series[]) {
  let plot: UPlot | null = null
  let data: UPlot.AlignedData = [[]]
  const build = () => {
    plot?.destroy()
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--rule'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    }
    plot = new UPlot(
      {
        width: Math.max(200, box.clientWidth),
        height: plotHeight,
        legend: { show: false },
        cursor: { y: false, points: { size: 7 } },
        scales: { y: { range: (_, __, most) => [0, niceTop(most)] } },
        axes: [
          { ...axis, space: 70, size: 26, values: (_, splits) => splits.map(clock) },
          {
            ...axis,
            size: 44,
            values: (_, splits) => splits.map(value => (value === 0 ? '0' : `${round(value)}`)),
            label: '',
          },
        ],
        series: [{}, ...lines().map(series => ({ points: { show: false }, ...series }))],
        plugins: [tooltip(unit)],
      },
      data,
      box,
    )
  }
  new ResizeObserver(() =>
    plot?.setSize({ width: Math.max(200, box.clientWidth), height: plotHeight }),
  ).observe(box)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot && build())
  return {
    update(fresh: UPlot.AlignedData) {
      data = fresh
      if (plot === null) build()
      else plot.setData(fresh)
    },
  }
}

/** What the cursor points at, beside it. */
function tooltip(unit: string): UPlot.Plugin {
  const box = document.createElement('div')
  box.className = 'plot-tip'
  box.hidden = true
  return {
    hooks: {
      init: chart => void chart.over.append(box),
      setCursor(chart) {
        const { idx, left = -1 } = chart.cursor
        box.hidden = idx === null || idx === undefined || left < 0
        if (box.hidden || idx === null || idx === undefined) return
        box.replaceChildren(
          ...[
            clock(chart.data[0][idx] ?? 0),
            ...chart.series
              .slice(1)
              .map((series, i) => `${series.label}: ${round(chart.data[i + 1]?.[idx] ?? 0)} ${unit}`),
          ].map(text => {
            const row = document.createElement('div')
            row.textContent = text
            return row
          }),
        )
        const isRight = left > chart.over.clientWidth / 2
        box.style.left = isRight ? '' : `${left + 12}px`
        box.style.right = isRight ? `${chart.over.clientWidth - left + 12}px` : ''
      },
    },
  }
}

function smooth(values: readonly number[]): number[] {
  return values.map((_, i) => {
    const near = values.slice(Math.max(0, i - smoothing + 1), i + 1)
    return near.reduce((sum, value) => sum + value, 0) / near.length
  })
}

function niceTop(most: number): number {
  return Number.isFinite(most) && most > 0 ? most * 1.1 : 1
}

function round(value: number): number {
  return Number(value.toFixed(value < 10 ? 1 : 0))
}

function clock(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
}

/** As the style sheet has it for the reader's light or dark. A custom property alone would read `light-dark(…)`. */
function colour(name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
