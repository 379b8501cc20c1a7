import type { Figures } from '../../src/reports/figures.ts'
import { bytes, copies, count, percent, seconds } from './units.ts'

/** DESIGN: 1.0 is the floor, 1.05 the target. */
const targetCopies = 1.05

/** `good` and `poor` carry a mark besides the colour. */
export function copiesTone(value: number | null): '' | 'good' | 'poor' {
  if (value === null) return ''
  return value <= targetCopies + 0.005 ? 'good' : value > 1.5 ? 'poor' : ''
}

/** All sites and contents together, in large figures. */
export function showTiles(list: HTMLElement, total: Figures, peers: number): void {
  const { viewers, nodes, edgeBytes, outsideBytes, groupBytes, watchedBytes, stalls, stallMs, presenceMs } =
    total
  const line = edgeBytes + outsideBytes
  const others = peers - viewers - nodes
  const saved = Math.max(0, watchedBytes - line)
  show(list, [
    {
      name: 'Viewers',
      value: count(viewers),
      note: [nodes > 0 ? `${nodes} headless` : '', others > 0 ? `${count(others)} do not report` : '']
        .filter(Boolean)
        .join(', '),
      tone: '',
    },
    {
      name: 'Copies',
      value: copies(total.copies),
      note: `of each segment, target ${targetCopies}`,
      tone: copiesTone(total.copies),
    },
    {
      name: 'From peers',
      value: percent(total.p2pShare),
      note: `${bytes(groupBytes + outsideBytes)}`,
      tone: '',
    },
    {
      name: 'Kept off the lines',
      value: bytes(saved),
      note: watchedBytes > 0 ? `of ${bytes(watchedBytes)} watched` : '',
      tone: '',
    },
    {
      name: 'Stalls',
      value: count(stalls),
      note: presenceMs > 0 ? `${percent(stallMs / presenceMs, 2)} of viewing time` : '',
      tone: '',
    },
    {
      name: 'Startup',
      value: seconds(total.startP50Ms, 2),
      note: total.startP95Ms === null ? 'nobody started' : `95 of 100 within ${seconds(total.startP95Ms, 2)}`,
      tone: '',
    },
    {
      name: 'Live latency',
      value: seconds(total.latencyMs),
      note: total.latencyMs === null ? 'no live viewer' : 'median',
      tone: '',
    },
  ])
}

interface Tile {
  readonly name: string
  readonly value: string
  readonly note: string
  readonly tone: string
}

function show(list: HTMLElement, tiles: readonly Tile[]): void {
  for (const [index, { name, value, note, tone }] of tiles.entries()) {
    const tile = list.children[index] ?? make(list, name)
    const [, valueText, noteText] = tile.children
    if (valueText && valueText.textContent !== value) valueText.textContent = value
    if (noteText && noteText.textContent !== note) noteText.textContent = note
    tile.className = `tile${tone ? ` tone-${tone}` : ''}`
  }
}

function make(list: HTMLElement, name: string): Element {
  const tile = document.createElement('div')
  for (const [tag, className] of [
    ['dt', 'tile-name'],
    ['dd', 'tile-value'],
    ['dd', 'tile-note'],
  ] as const) {
    const part = document.createElement(tag)
    part.className = className
    tile.append(part)
  }
  tile.firstElementChild!.textContent = name
  list.append(tile)
  return tile
}
