import type { DashboardEvent } from '../../src/dashboard/looks.ts'
import { createCharts } from './charts.ts'
import { createPolicyClient, type Mode } from './policy.ts'
import { createTable } from './table.ts'
import { showTiles } from './tiles.ts'
import { count } from './units.ts'

/** Nothing for so long: the figures are old, and the page says so. */
const staleMs = 8_000
const policyEveryMs = 10_000

const policy = createPolicyClient()
const charts = createCharts(element('plot-line'), element('plot-viewers'))
const table = createTable(element('rows'), element('table-note'), {
  onChoose(id) {
    chosen = id
    listen()
  },
  onMode: (site, mode, select) => void changeSiteMode(site, mode, select),
  modeOf: site => policy.modeOf(site),
})

let stream: EventSource | null = null
let chosen: string | null = null
let last: DashboardEvent | null = null
let heardAt = 0
let trouble: string | null = null

for (const input of document.querySelectorAll<HTMLInputElement>('input[name=window]')) {
  input.addEventListener('change', listen)
}
element('kill').addEventListener('click', () => void kill())
element('revive').addEventListener('click', () => void setMode(null, null))
listen()
void refreshPolicy()
setInterval(() => void refreshPolicy(), policyEveryMs)
setInterval(showState, 1_000)

function listen(): void {
  stream?.close()
  const query = new URLSearchParams({ window: windowMs(), ...(chosen !== null && { row: chosen }) })
  ;(element('export') as HTMLAnchorElement).href = `dashboard/export.csv?window=${windowMs()}`
  const opened = new EventSource(`dashboard/events?${query}`)
  stream = opened
  opened.addEventListener('figures', event => {
    heardAt = performance.now()
    trouble = null
    show(JSON.parse(event.data) as DashboardEvent)
  })
  opened.addEventListener('error', () => {
    // The browser tries again by itself, unless the tracker answered with an error: signed out, or too many pages.
    if (opened.readyState === EventSource.CLOSED) void explain()
    showState()
  })
}

async function explain(): Promise<void> {
  const response = await fetch('admin/policy').catch(() => null)
  if (response?.status === 401) return location.reload()
  trouble = response?.ok ? 'Too many dashboards are open.' : 'The tracker does not answer.'
  showState()
  setTimeout(listen, 5_000)
}

function show(event: DashboardEvent): void {
  last = event
  const { rows, total, series, at, slotMs, seriesAgeMs, peers } = event
  const isEmpty = rows.length === 0 && event.members === 0
  element('empty').hidden = !isEmpty
  element('content').hidden = isEmpty
  if (chosen !== null && !rows.some(({ id }) => id === chosen)) {
    chosen = null
    listen()
  }
  if (isEmpty && peers > 0) {
    element('empty-text').textContent =
      `${count(peers)} peers are connected, and none has reported yet. Viewers with the Nearcast plugin report every ten seconds or so, once they play something.`
  }
  if (!isEmpty) {
    showTiles(element('tiles'), total, peers)
    const row = rows.find(({ id }) => id === chosen)
    const of = row ? `${row.place.name || 'other networks'}, ${row.content}` : 'all sites'
    for (const caption of document.querySelectorAll('[data-chart-of]')) caption.textContent = of
    charts.update(series, at - seriesAgeMs, slotMs, of)
    table.update(rows, chosen)
    element('foot').textContent = footOf(event)
  }
  showState()
}

function footOf({ total, members, rows }: DashboardEvent): string {
  const parts = [`${count(members)} viewers and headless peers report.`]
  if (total.rejected > 0)
    parts.push(`${count(total.rejected)} reports were not to be believed and do not count.`)
  if (total.polluters > 0) parts.push(`Viewers banned ${count(total.polluters)} peers that sent bad blocks.`)
  if (rows.some(({ place }) => place.kind === 'network'))
    parts.push('A network nobody named has a label of the day; name it in the site file.')
  return parts.join(' ')
}

/** The text changes only with the state, so that a screen reader is not told every second. */
function showState(): void {
  const state = element('state')
  const age = performance.now() - heardAt
  const [name, text] =
    trouble !== null
      ? ['lost', trouble]
      : last === null
        ? ['wait', 'Connecting …']
        : age > staleMs
          ? ['lost', 'No news from the tracker; the figures are old']
          : ['live', 'Live']
  state.dataset['state'] = name
  const shown = element('state-text')
  if (shown.textContent !== text) shown.textContent = text
}

async function refreshPolicy(): Promise<void> {
  await policy.refresh().catch(() => {})
  element('killed').hidden = policy.modeOf(null) !== 'off'
  element('kill').hidden = policy.modeOf(null) === 'off'
}

async function kill(): Promise<void> {
  const keep = policy.persistent ? '' : ' The tracker forgets it when it restarts.'
  const text = `Switch sharing off for every viewer, everywhere? Playback goes on from the edge alone: each viewer's own copy crosses its line.${keep}`
  if (await confirmed(text, 'Switch off')) await setMode(null, 'off')
}

async function changeSiteMode(site: string, mode: Mode | null, select: HTMLSelectElement): Promise<void> {
  const isFine =
    mode !== 'off' || (await confirmed(`Switch sharing off for all viewers at ${site}?`, 'Switch off'))
  if (isFine) {
    select.disabled = true
    await setMode(site, mode)
    select.disabled = false
  }
  select.value = policy.modeOf(site) ?? ''
}

async function setMode(site: string | null, mode: Mode | null): Promise<void> {
  try {
    await policy.setMode(site, mode)
  } catch (error) {
    await confirmed(`That did not work: ${error instanceof Error ? error.message : String(error)}`, 'Close')
  }
  await refreshPolicy()
}

function confirmed(text: string, yes: string): Promise<boolean> {
  const dialog = element('confirm') as HTMLDialogElement
  element('confirm-text').textContent = text
  element('confirm-yes').textContent = yes
  dialog.returnValue = 'cancel'
  dialog.showModal()
  return new Promise(resolve => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}

function windowMs(): string {
  return document.querySelector<HTMLInputElement>('input[name=window]:checked')?.value ?? '300000'
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (!found) throw new Error(`no element #${id} in the page`)
  return found
}
