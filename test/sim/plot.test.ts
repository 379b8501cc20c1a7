import { expect, it } from 'vitest'
import { drawPlot, type PlotPoint } from './plot.ts'

const point = (policy: string, viewers: number, lineRatio: number, copies: number): PlotPoint => ({
  policy,
  viewers,
  lineRatio,
  copies,
  stallSecondsPerViewerMinute: 60 / lineRatio,
})

it('draws both panels with their axes, a legend, and a line for each policy', async () => {
  const svg = await drawPlot({
    byViewers: [
      point('http', 2, 40, 2),
      point('http', 6, 40, 6),
      point('nearcast', 2, 40, 1),
      point('nearcast', 6, 40, 1),
    ],
    byLine: [
      point('http', 6, 1.3, 1),
      point('http', 6, 4, 4),
      point('nearcast', 6, 1.3, 1),
      point('nearcast', 6, 4, 1),
    ],
  })
  expect(svg).toMatch(/^<svg /)
  for (const text of [
    'viewers in the office',
    'copies of each segment',
    'line capacity, multiples of the bitrate',
    'stalled seconds per viewer-minute',
    'Stalls on a thin line (6 viewers)',
    '>plain player<',
    '>Nearcast<',
  ])
    expect(svg).toContain(text)
  expect(svg.match(/aria-roledescription="line mark"/g)).toHaveLength(4)
  expect(svg).toContain('prefers-color-scheme: dark')
  expect(svg).not.toMatch(/NaN|undefined/)
})
