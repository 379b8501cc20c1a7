import type { FiguresRow } from '../../src/reports/figures.ts'
import { peeringChips } from './peering.ts'
import type { Mode } from './policy.ts'
import { copiesTone } from './tiles.ts'
import { bytes, copies, count, percent, seconds, unknown } from './units.ts'

export interface TableEvents {
  /** A row to chart; null: all. */
  onChoose(id: string | null): void
  onMode(site: string, mode: Mode | null, select: HTMLSelectElement): void
  modeOf(site: string): Mode | null
}

export interface Table {
  update(rows: readonly FiguresRow[], chosen: string | null): void
}

/** More are in the CSV. */
const mostRows = 60

/** Rows are kept and only their texts change: neither focus nor a selection is lost when figures come. */
export function createTable(body: HTMLElement, note: HTMLElement, events: TableEvents): Table {
  const kept = new Map<string, Row>()
  return {
    update(rows, chosen) {
      const shown = rows.slice(0, mostRows)
      note.textContent =
        rows.length > shown.length ? `(${shown.length} of ${rows.length}; the CSV has all)` : ''
      const ids = new Set(shown.map(({ id }) => id))
      for (const [id, row] of kept) {
        if (ids.has(id)) continue
        row.element.remove()
        kept.delete(id)
      }
      for (const [index, figures] of shown.entries()) {
        const row = kept.get(figures.id) ?? createRow(figures, events)
        kept.set(figures.id, row)
        if (body.children[index] !== row.element) body.insertBefore(row.element, body.children[index] ?? null)
        row.update(figures, chosen === figures.id)
      }
    },
  }
}

interface Row {
  readonly element: HTMLTableRowElement
  update(figures: FiguresRow, isChosen: boolean): void
}

function createRow({ id, place, content }: FiguresRow, events: TableEvents): Row {
  const element = document.createElement('tr')
  const head = document.createElement('th')
  head.scope = 'row'
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'row-button'
  button.title = 'Show in the charts above'
  button.textContent =
    place.kind === 'site'
      ? place.name
      : place.kind === 'network'
        ? `network ${place.name}`
        : 'all other networks'
  head.append(button)
  element.append(head)
  const cell = (label: string, className = '') => {
    const made = document.createElement('td')
    made.dataset['label'] = label
    made.className = className
    element.append(made)
    return made
  }
  cell('Content', 'wide').textContent = content || unknown
  const viewers = cell('Viewers', 'number')
  const copiesCell = cell('Copies', 'number')
  const share = cell('From peers', 'number')
  const stalls = cell('Stalls', 'number')
  const startup = cell('Startup', 'number')
  const latency = cell('Latency', 'number')
  const peering = cell('Peering', 'wide')
  const chips = document.createElement('ul')
  chips.className = 'chips'
  peering.append(chips)
  const mode = cell('Mode', 'wide')
  const select = place.kind === 'site' ? modeSelect(place.name, events) : null
  if (select) mode.append(select)
  else mode.textContent = unknown
  let isChosen = false
  button.addEventListener('click', () => events.onChoose(isChosen ? null : id))

  return {
    element,
    update(figures, chosen) {
      isChosen = chosen
      button.setAttribute('aria-pressed', String(chosen))
      element.classList.toggle('chosen', chosen)
      const nodes = figures.nodes > 0 ? ` + ${figures.nodes}` : ''
      write(viewers, `${count(figures.viewers)}${nodes}`)
      viewers.title = figures.nodes > 0 ? `${figures.nodes} headless` : ''
      const tone = copiesTone(figures.copies)
      copiesCell.className = `number${tone ? ` tone-${tone}` : ''}`
      write(copiesCell, copies(figures.copies))
      copiesCell.title = `${bytes(figures.edgeBytes + figures.outsideBytes)} over the line, one copy is ${bytes(figures.oneCopyBytes)}`
      write(share, percent(figures.p2pShare))
      const stalled = figures.presenceMs > 0 ? percent(figures.stallMs / figures.presenceMs, 2) : ''
      write(stalls, figures.stalls === 0 ? '0' : `${count(figures.stalls)} · ${stalled}`)
      write(
        startup,
        figures.startP50Ms === null
          ? unknown
          : `${(figures.startP50Ms / 1_000).toFixed(2)} · ${seconds(figures.startP95Ms, 2)}`,
      )
      write(latency, seconds(figures.latencyMs))
      const made = peeringChips(figures)
      if (made.map(chip => chip.textContent).join() !== [...chips.children].map(c => c.textContent).join())
        chips.replaceChildren(...made)
      if (figures.rejected > 0) {
        viewers.title = `${viewers.title} ${figures.rejected} reports were not to be believed`.trim()
        viewers.classList.add('tone-poor')
      }
      if (select && document.activeElement !== select && !select.disabled)
        select.value = events.modeOf(place.name) ?? ''
    },
  }
}

function modeSelect(site: string, events: TableEvents): HTMLSelectElement {
  const select = document.createElement('select')
  select.ariaLabel = `Mode at ${site}`
  select.append(
    new Option('as set', ''),
    new Option('share', 'share'),
    new Option('leech', 'leech'),
    new Option('off', 'off'),
  )
  select.value = events.modeOf(site) ?? ''
  select.addEventListener('change', () => events.onMode(site, (select.value || null) as Mode | null, select))
  return select
}

function write(cell: HTMLElement, text: string): void {
  if (cell.textContent !== text) cell.textContent = text
}
