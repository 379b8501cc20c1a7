import { sourceMark, sourceNames } from './marks.ts'
import type { Cell, Row, View } from './observer.ts'
import { assign, svg } from './svg.ts'
import { bytesText, percentText } from './units.ts'

interface DrawnCell {
  readonly group: SVGGElement
  readonly fills: SVGGElement
  readonly seq: SVGTextElement
  readonly tick: SVGTextElement
  readonly title: SVGTitleElement
  /** What was drawn last, to leave unchanged cells alone. */
  drawn: string
}

const rowHeight = 52
const cellHeight = 34
const axisHeight = 26
const labelHeight = 20
const gap = 2

export interface Playback {
  /** Playhead and end, seconds of the viewer's own time line; the end is Infinity for live. */
  readonly position: number
  readonly duration: number
  readonly live: boolean
}

/** Segments as bars that fill as bytes arrive, a row for each track, coloured and marked by where the bytes came from. */
export function createTimeline(
  container: HTMLElement,
  playback: () => Playback,
): { update(view: View): void; close(): void } {
  const title = svg('title', { id: 'timeline-title' })
  const content = svg('g')
  const axis = svg('g', { class: 'axis' })
  const labels = svg('g')
  const head = svg('g', { class: 'playhead' }, svg('path', { d: '' }), svg('circle', { r: 4, cy: 5 }))
  const root = svg(
    'svg',
    { class: 'timeline', role: 'img', 'aria-labelledby': 'timeline-title' },
    title,
    svg('defs', {}, stripes()),
    content,
    axis,
    labels,
    head,
  )
  container.append(root)
  const still = matchMedia('(prefers-reduced-motion: reduce)')
  const cells = new Map<string, DrawnCell>()
  let rows: readonly Row[] = []
  let width = 0
  let scale = 20
  let frame = requestAnimationFrame(scroll)
  const resize = new ResizeObserver(() => drawRows())
  resize.observe(container)

  return {
    update(view) {
      rows = view.rows
      title.textContent = describe(view)
      drawRows()
      if (still.matches) place()
    },
    close() {
      cancelAnimationFrame(frame)
      resize.disconnect()
      root.remove()
    },
  }

  function drawRows(): void {
    width = container.clientWidth
    const height = Math.max(1, rows.length) * (rowHeight + labelHeight) + axisHeight
    const { duration, live } = playback()
    // About 18 px a second keeps a 2 s segment wide enough for its number; a short video is shown whole.
    const wide = width < 600 ? 15 : 21
    scale = !live && duration > 0 && duration * wide < width * 1.6 ? (width - 4) / duration : wide
    assign(root, { viewBox: `0 0 ${width} ${height}`, width, height })
    assign(head.firstElementChild as SVGPathElement, { d: `M0 5V${height - axisHeight + 6}` })
    labels.replaceChildren(
      ...rows.map((row, index) =>
        svg('text', { x: 2, y: index * (rowHeight + labelHeight) + 14, class: 'row-label' }, row.label),
      ),
    )
    const seen = new Set<string>()
    rows.forEach((row, index) => {
      for (const cell of row.cells) {
        seen.add(cell.key)
        drawCell(cell, index * (rowHeight + labelHeight) + labelHeight)
      }
    })
    for (const [key, item] of cells) {
      if (seen.has(key)) continue
      item.group.remove()
      cells.delete(key)
    }
    drawAxis(height - axisHeight)
    place()
  }

  function drawCell(cell: Cell, y: number): void {
    let item = cells.get(cell.key)
    if (!item) {
      const cellTitle = svg('title')
      const fills = svg('g')
      const seq = svg('text', { class: 'cell-seq' })
      const tick = svg('text', { class: 'cell-tick' })
      item = {
        group: svg('g', {}, cellTitle, fills, seq, tick),
        fills,
        seq,
        tick,
        title: cellTitle,
        drawn: '',
      }
      content.append(item.group)
      cells.set(cell.key, item)
    }
    const x = (cell.startMs / 1000) * scale
    const cellWidth = Math.max(4, (cell.durationMs / 1000) * scale - gap)
    const state = JSON.stringify([x, y, cellWidth, cell.parts, cell.state, cell.verified])
    if (state === item.drawn) return
    item.drawn = state
    assign(item.group, { transform: `translate(${x.toFixed(1)} ${y})`, class: `cell ${cell.state}` })
    item.fills.replaceChildren(
      svg('rect', { class: 'cell-back', width: cellWidth, height: cellHeight, rx: 4 }),
      ...fillsOf(cell, cellWidth),
    )
    assign(item.seq, { x: cellWidth / 2, y: cellHeight + 14 })
    item.seq.textContent = cellWidth >= 26 || cell.seq % 5 === 0 ? String(cell.seq) : ''
    assign(item.tick, { x: cellWidth - 6, y: 12 })
    item.tick.textContent = cell.verified && cellWidth >= 22 ? '✓' : ''
    item.title.textContent = cellText(cell)
  }

  function drawAxis(y: number): void {
    const { position, live, duration } = playback()
    const from = Math.max(0, Math.floor((position - width / scale) / 10) * 10)
    const to = Math.min(live ? position + 60 : duration || 60, position + width / scale)
    const marks: SVGElement[] = []
    for (let second = from; second <= to; second += 10) {
      marks.push(svg('text', { x: second * scale + 2, y: y + 20 }, clockText(second)))
      marks.push(svg('path', { d: `M${(second * scale).toFixed(1)} ${y + 4}v4` }))
    }
    axis.replaceChildren(...marks)
  }

  function scroll(): void {
    if (!still.matches && !document.hidden) place()
    frame = requestAnimationFrame(scroll)
  }

  /** Moves the content so that the playhead is in view. */
  function place(): void {
    const { position, duration, live } = playback()
    const total = live ? Number.POSITIVE_INFINITY : duration * scale
    const furthest = Number.isFinite(total) ? Math.max(0, total - width + 4) : Number.POSITIVE_INFINITY
    const offset = Math.min(Math.max(0, position * scale - width * 0.62), furthest)
    const transform = `translate(${(2 - offset).toFixed(1)} 0)`
    assign(content, { transform })
    assign(axis, { transform })
    assign(head, { transform: `translate(${(2 + position * scale - offset).toFixed(1)} 0)` })
  }
}

/** The bar's fill, bottom first, and the mark of the source that gave most. */
function fillsOf(cell: Cell, width: number): SVGElement[] {
  const fills: SVGElement[] = []
  let bottom = cellHeight
  for (const { source, share } of cell.parts) {
    const height = Math.min(bottom, share * cellHeight)
    bottom -= height
    const whole = share > 0.985
    const fill = svg('rect', { class: `fill source-${source}`, y: bottom, width, height, rx: whole ? 4 : 0 })
    if (source === 'lease') fill.style.fill = 'url(#lease-stripes)'
    fills.push(fill)
  }
  const most = [...cell.parts].sort((a, b) => b.share - a.share)[0]
  if (most && most.share > 0.3 && width >= 16) {
    const mark = sourceMark(most.source, 9)
    fills.push(
      svg(
        'g',
        { class: 'on-fill', transform: `translate(${Math.min(width / 2, 11)} ${cellHeight - 11})` },
        mark,
      ),
    )
  }
  return fills
}

/** Leased segments are of the edge's family, and striped: they came once for the whole group. */
function stripes(): SVGPatternElement {
  return svg(
    'pattern',
    {
      id: 'lease-stripes',
      width: 7,
      height: 7,
      patternUnits: 'userSpaceOnUse',
      patternTransform: 'rotate(45)',
    },
    svg('rect', { class: 'stripe-back', width: 7, height: 7 }),
    svg('rect', { class: 'stripe', width: 3, height: 7 }),
  )
}

function cellText(cell: Cell): string {
  const parts = cell.parts
    .map(({ source, share }) => `${sourceNames[source].short} ${percentText(share)}`)
    .join(', ')
  const state = cell.state === 'arriving' ? 'arriving' : cell.verified ? 'verified' : 'not verified'
  return `Segment ${cell.seq} · ${bytesText(cell.size)} · ${parts || 'nothing yet'} · ${state}`
}

function describe(view: View): string {
  const all = view.rows.flatMap(row => row.cells)
  const verified = all.filter(cell => cell.verified).length
  return `The last ${all.length} segments on ${view.rows.length} tracks; ${verified} are verified.`
}

function clockText(second: number): string {
  return `${Math.floor(second / 60)}:${String(second % 60).padStart(2, '0')}`
}
