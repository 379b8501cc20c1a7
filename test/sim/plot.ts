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

interface Look {
  readonly label: string
  readonly colour: string
  readonly dash: readonly number[]
  readonly shape: string
}

/** Middle tones that stand out on white and on black, told apart by dash and shape as well; ours is the solid one. */
const looks: Readonly<Record<string, Look>> = {
  http: { label: 'plain player', colour: '#64748b', dash: [2, 2], shape: 'circle' },
  pml2: { label: 'p2p-media-loader 2', colour: '#d97706', dash: [8, 3], shape: 'square' },
  'pml2-tight': {
    label: 'p2p-media-loader 2, low latency',
    colour: '#8b5cf6',
    dash: [8, 3, 2, 3],
    shape: 'triangle-down',
  },
  pml5: { label: 'p2p-media-loader 5', colour: '#db2777', dash: [4, 2], shape: 'triangle-up' },
  nearcast: { label: 'Nearcast', colour: '#2563eb', dash: [1, 0], shape: 'diamond' },
}
const ink = '#6b7280'
/** Between the frame and the points, pixels: those that lie on the floor are not hidden by it. */
const padding = 8
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
  const names = [...new Set([...byViewers, ...byLine].map(point => point.policy))]
  const of = <T>(part: (look: Look) => T): T[] => names.map(name => part(lookOf(name)))
  const domain = of(look => look.label)
  const policy = { field: 'label', type: 'nominal', sort: domain, title: null } as const
  const encoding = {
    color: { ...policy, scale: { domain, range: of(look => look.colour) } },
    shape: { ...policy, scale: { domain, range: of(look => look.shape) } },
    // By condition and not by a scale: it would dash the outlines of the legend's symbols.
    strokeDash: {
      condition: names.map(name => ({ test: `datum.policy === '${name}'`, value: [...lookOf(name).dash] })),
      value: [1, 0],
    },
  } as const
  // One legend is enough, beside the second panel.
  const withoutLegend = {
    color: { ...encoding.color, legend: null },
    shape: { ...encoding.shape, legend: null },
    strokeDash: encoding.strokeDash,
  } as const
  const panel = {
    width: 290,
    height: 240,
    mark: { type: 'line', point: { filled: true, size: 60 }, strokeWidth: 2 },
  } as const
  // A run too short to have a steady state has no copies to show, and one in which nobody got a segment no number of them.
  const counted = byViewers.filter(point => point.copies > 0 && point.copies < Number.POSITIVE_INFINITY)
  return {
    background: 'transparent',
    padding: 8,
    config: {
      view: { stroke: null },
      axis: {
        labelColor: ink,
        titleColor: ink,
        domainColor: ink,
        tickColor: ink,
        gridColor: ink,
        gridOpacity: 0.2,
        labelFontSize: 12,
        titleFontSize: 12,
        titleFontWeight: 'normal',
        titlePadding: 8,
        labelFlush: false,
      },
      legend: {
        labelColor: ink,
        orient: 'right',
        labelFontSize: 13,
        symbolSize: 90,
        rowPadding: 6,
        labelLimit: 400,
        offset: 16,
      },
      title: { color: ink, fontSize: 14, anchor: 'start', frame: 'group', offset: 10 },
      // Upright above its axis: a title on its side is measured by guess here, and pushes everything apart.
      axisY: { titleAngle: 0, titleAlign: 'left', titleAnchor: 'end', titleX: -36, titleY: -14 },
    },
    spacing: 40,
    resolve: { legend: { color: 'independent', shape: 'independent' } },
    hconcat: [
      {
        ...panel,
        title: 'Copies over the office line',
        data: { values: counted.map(labelled) },
        encoding: {
          x: {
            field: 'viewers',
            type: 'quantitative',
            scale: { type: 'log', nice: false, padding },
            axis: { title: 'viewers in the office', values: ticks(byViewers.map(point => point.viewers)) },
          },
          y: {
            field: 'copies',
            type: 'quantitative',
            scale: { type: 'log', domainMin: 1, nice: false, padding },
            axis: {
              title: 'copies of each segment (1 is the floor)',
              format: '~g',
              values: decades(Math.max(1, ...counted.map(point => point.copies))),
            },
          },
          ...withoutLegend,
        },
      },
      {
        ...panel,
        title: `Stalls on a thin line (${byLine[0]?.viewers ?? 0} viewers)`,
        data: { values: byLine.map(labelled) },
        encoding: {
          x: {
            field: 'lineRatio',
            type: 'quantitative',
            scale: { type: 'log', nice: false, padding },
            axis: {
              title: 'line capacity, multiples of the bitrate',
              values: ticks(byLine.map(point => point.lineRatio)),
              format: '~g',
            },
          },
          y: {
            field: 'stallSecondsPerViewerMinute',
            type: 'quantitative',
            scale: { domainMin: 0, nice: false, padding },
            axis: { title: 'stalled seconds per viewer-minute', tickCount: 6 },
          },
          ...encoding,
        },
      },
    ],
  }
}

function labelled(point: PlotPoint): PlotPoint & { readonly label: string } {
  return { ...point, label: lookOf(point.policy).label }
}

function lookOf(policy: string): Look {
  return looks[policy] ?? { label: policy, colour: ink, dash: [1, 0], shape: 'cross' }
}

function ticks(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}

/** 1, 2, 5, 10 and so on: what people read from a logarithmic axis. */
function decades(most: number): number[] {
  const steps = [1, 10, 100, 1_000].flatMap(power => [power, 2 * power, 5 * power])
  return steps.filter(step => step <= most)
}
