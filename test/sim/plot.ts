import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

/** One run's place in the picture. */
export interface PlotPoint {
  readonly policy: string
  readonly viewers: number
  /** Line capacity as a multiple of the bitrate. */
  readonly lineRatio: number
  readonly copies: number
  readonly stallSecondsPerViewerMinute: number
}

export interface PlotPanels {
  /** On a line that nobody fills, by the number of viewers. */
  readonly byViewers: readonly PlotPoint[]
  /** The same viewers on lines of several capacities. */
  readonly byLine: readonly PlotPoint[]
}

/** Middle tones, told apart by dash and shape as well, that stand out on white and on black. */
const colours = ['#8b5cf6', '#d97706', '#0d9488', '#2563eb', '#db2777', '#64748b']
const ink = '#6b7280'
const inkOnDark = '#c9d1d9'

/** Copies against viewers, and stalls against line capacity: an SVG that reads on a light and on a dark page. */
export async function drawPlot(panels: PlotPanels): Promise<string> {
  const view = new View(parse(compile(specOf(panels)).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  // In a dark page what is drawn in ink lightens; a transparent background takes the page's.
  const style = `<style>@media (prefers-color-scheme: dark) { text { fill: ${inkOnDark} } }</style>`
  return svg.replace(/<svg [^>]*>/, opening => `${opening}${style}`)
}

function specOf({ byViewers, byLine }: PlotPanels): TopLevelSpec {
  const policies = [...new Set([...byViewers, ...byLine].map(point => point.policy))]
  const policy = { field: 'policy', type: 'nominal', sort: policies, title: null } as const
  const color = { ...policy, scale: { domain: policies, range: colours } } as const
  const shape = { ...policy, scale: { domain: policies } } as const
  const mark = { type: 'line', point: { filled: true, size: 50 }, strokeWidth: 2 } as const
  const ticks = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b)
  return {
    background: 'transparent',
    config: {
      view: { stroke: null },
      axis: {
        labelColor: ink,
        titleColor: ink,
        domainColor: ink,
        tickColor: ink,
        gridColor: ink,
        gridOpacity: 0.2,
        labelFontSize: 11,
        titleFontSize: 12,
        titleFontWeight: 'normal',
      },
      legend: { labelColor: ink, orient: 'bottom', labelFontSize: 12, symbolStrokeWidth: 2 },
      title: { color: ink, fontSize: 13 },
    },
    hconcat: [
      {
        title: 'Copies over the office line',
        width: 320,
        height: 240,
        // A run too short to have a steady state has no copies to show.
        data: { values: byViewers.filter(point => point.copies > 0) },
        mark,
        encoding: {
          x: {
            field: 'viewers',
            type: 'quantitative',
            scale: { type: 'log', nice: false },
            axis: { title: 'viewers in the office', values: ticks(byViewers.map(point => point.viewers)) },
          },
          y: {
            field: 'copies',
            type: 'quantitative',
            scale: { type: 'log', domainMin: 0.9, nice: false },
            axis: { title: 'copies of each segment (1 is the floor)', format: '~g' },
          },
          color,
          shape,
          strokeDash: shape,
        },
      },
      {
        title: `Stalls on a thin line (${byLine[0]?.viewers ?? 0} viewers)`,
        width: 320,
        height: 240,
        data: { values: [...byLine] },
        mark,
        encoding: {
          x: {
            field: 'lineRatio',
            type: 'quantitative',
            scale: { type: 'log', nice: false },
            axis: {
              title: 'line capacity, multiples of the bitrate',
              values: ticks(byLine.map(point => point.lineRatio)),
              format: '~g',
            },
          },
          y: {
            field: 'stallSecondsPerViewerMinute',
            type: 'quantitative',
            axis: { title: 'stalled seconds per viewer-minute' },
          },
          color,
          shape,
          strokeDash: shape,
        },
      },
    ],
  }
}
