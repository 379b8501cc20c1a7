import type { Nearcast } from '@nearcast/player-plugin'
import Hls from 'hls.js'
import { announceUrl, loadCatalogue, loadCopies, type Stream } from './catalogue.ts'
import { createDetails } from './details.ts'
import { createFigures } from './figures.ts'
import { createGraph } from './graph.ts'
import { markIcon, sourceNames } from './marks.ts'
import { createNotice, type Verdict } from './notice.ts'
import { createObserver, sources } from './observer.ts'
import { type Player, play } from './player.ts'
import { installTheme } from './theme.ts'
import { createTimeline } from './timeline.ts'

declare global {
  interface Window {
    /** For tests and for the curious: the objects at work. */
    nearcast: Nearcast | undefined
    hls: Hls | undefined
  }
}

const refreshMs = 250
/** No peers yet is normal at first; say so only after this long. */
const patienceMs = 3_000

const video = element('video') as HTMLVideoElement
const picker = element('stream') as HTMLSelectElement
const status = element('status')
const figures = createFigures(element('figures'))
const details = createDetails(element('peers'), element('reasons'))
const notice = createNotice(element('notice'))
const graph = createGraph(element('graph'))
const timeline = createTimeline(element('timeline'), () => ({
  position: video.currentTime,
  duration: Number.isFinite(video.duration) ? video.duration : 0,
  live: current ? isLive(current) : false,
}))

let current: { readonly stream: Stream; readonly player: Player; readonly since: number } | null = null
let observer = createObserver()
let copies: number | null = null

installTheme(element('theme') as HTMLButtonElement)
showLegend()
start().catch(error => problem(error instanceof Error ? error.message : String(error)))

async function start(): Promise<void> {
  const catalogue = await loadCatalogue()
  const streams = [...adHocStreams(), ...catalogue.streams]
  showStreams(streams)
  const open = (stream: Stream) => {
    current?.player.close()
    observer = createObserver()
    copies = null
    status.classList.remove('problem')
    const player = play(video, stream, {
      announce: announceUrl(catalogue),
      mode: chosenMode(),
      onProblem: problem,
    })
    current = { stream, player, since: performance.now() }
    window.hls = player.hls
    window.nearcast = player.nearcast
    document.title = `${stream.title} · Nearcast`
  }
  const byName = (name: string | null) => streams.find(stream => stream.name === name)
  const first = byName(new URL(location.href).searchParams.get('stream')) ?? streams[0]
  if (!first) throw new Error('No stream is known: name one with ?manifest=/path/of/the/manifest.m3u8')
  picker.value = first.name
  picker.addEventListener('change', () => {
    const stream = byName(picker.value)
    if (!stream) return
    history.replaceState(null, '', `?stream=${encodeURIComponent(stream.name)}`)
    open(stream)
  })
  for (const input of document.querySelectorAll<HTMLInputElement>('input[name=mode]')) {
    input.addEventListener('change', () => current?.player.nearcast.setMode(chosenMode()))
  }
  open(first)
  setInterval(refresh, refreshMs)
  setInterval(() => void refreshSlowly(), 1_500)
  window.addEventListener('pagehide', () => current?.player.close())
}

/** `?manifest=URL` plays any stream that the page may load. */
function adHocStreams(): Stream[] {
  const url = new URL(location.href).searchParams.get('manifest')
  return url ? [{ name: url, title: url, url, live: false }] : []
}

function refresh(): void {
  if (!current) return
  const { player } = current
  const view = observer.observe(performance.now(), player.nearcast.snapshot())
  figures.update(view, {
    live: isLive(current),
    latency: latencyOf(player.hls),
    buffered: bufferedAhead(),
    copies,
  })
  graph.update(view)
  timeline.update(view)
  details.update(view)
  if (view.peers.length > 0) notice.show(null)
  showStatus(isLive(current))
}

async function refreshSlowly(): Promise<void> {
  if (!current) return
  const { stream, player, since } = current
  const [answer, verdict] = await Promise.all([loadCopies(stream).catch(() => null), verdictOf(player)])
  // Another stream may have been chosen meanwhile.
  if (current.player !== player) return
  copies = answer
  if (performance.now() - since >= patienceMs) notice.show(verdict)
}

/** Why there are no peers; null while there are some. */
async function verdictOf(player: Player): Promise<Verdict | null> {
  // Asked even when all is well: it refreshes the peers' routes and round trips.
  const { verdict, summary, remedy } = await player.nearcast.diagnose()
  switch (verdict) {
    case 'ok':
      return null
    case 'alone':
      return {
        title: 'You are the only viewer here.',
        remedy: 'Open this page in a second window and watch it feed the other:',
        alone: true,
      }
    case 'mode-off':
      return {
        title: 'Nearcast is off:',
        remedy: 'this is plain playback. Choose share to see the swarm.',
        alone: false,
      }
    default:
      return { title: summary, remedy, alone: false }
  }
}

function showStatus(live: boolean): void {
  if (video.error) problem(`The browser could not decode this stream: ${video.error.message}`)
  const parts = [
    video.paused ? 'Paused' : video.readyState < 3 ? 'Waiting for media' : 'Playing',
    live ? 'live' : 'recording',
    video.videoWidth > 0 ? `${video.videoWidth} × ${video.videoHeight}` : '',
    `hls.js ${Hls.version}`,
  ]
  if (video.readyState >= 3) status.classList.remove('problem')
  if (!status.classList.contains('problem'))
    status.textContent = parts.filter(part => part !== '').join(' · ')
}

function problem(text: string): void {
  status.textContent = text
  status.classList.add('problem')
}

function showStreams(streams: readonly Stream[]): void {
  for (const live of [true, false]) {
    const options = streams
      .filter(stream => stream.live === live)
      .map(stream => new Option(stream.title, stream.name))
    if (options.length === 0) continue
    const group = document.createElement('optgroup')
    group.label = live ? 'Live' : 'Recordings'
    group.append(...options)
    picker.append(group)
  }
}

function showLegend(): void {
  for (const source of sources) {
    const item = document.createElement('li')
    item.title = sourceNames[source].long
    item.append(markIcon(source), sourceNames[source].short)
    element('legend').append(item)
  }
  for (const [className, text] of [
    ['key-given', 'Given'],
    ['key-arriving', 'Arriving'],
    ['key-verified', 'Verified'],
  ] as const) {
    const item = document.createElement('li')
    const mark = document.createElement('span')
    mark.className = className
    mark.textContent = className === 'key-verified' ? '✓' : ''
    item.append(mark, text)
    element('legend').append(item)
  }
}

function chosenMode(): 'share' | 'leech' | 'off' {
  const value = document.querySelector<HTMLInputElement>('input[name=mode]:checked')?.value
  return value === 'leech' || value === 'off' ? value : 'share'
}

function bufferedAhead(): number {
  const { buffered, currentTime } = video
  for (let index = 0; index < buffered.length; index++) {
    if (currentTime >= buffered.start(index) - 0.1 && currentTime <= buffered.end(index))
      return buffered.end(index) - currentTime
  }
  return 0
}

/** The playlist knows better than the list of streams. */
function isLive({ stream, player }: { readonly stream: Stream; readonly player: Player }): boolean {
  return player.hls.latestLevelDetails?.live ?? stream.live
}

function latencyOf(hls: Hls): number | null {
  return hls.latency > 0 ? hls.latency : null
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (!found) throw new Error(`no element #${id} in the page`)
  return found
}
