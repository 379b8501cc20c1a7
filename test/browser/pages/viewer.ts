import { createNearcast, type Nearcast, type NearcastConfig } from '@nearcast/player-plugin'
import Hls, { type HlsConfig } from 'hls.js'

export { bytesOf, givings, isPiece } from './givings.ts'

/** A viewer under observation: hls.js, with or without Nearcast, that keeps book of all it is given. */

export interface ViewerSetup {
  readonly url: string
  /** Null: plain hls.js. */
  readonly nearcast: Partial<NearcastConfig> | null
  readonly hls?: Partial<HlsConfig>
  /** Links to have before the player loads anything: the join is over then. @default 0 */
  readonly peersFirst?: number
}

export interface Loaded {
  readonly url: string
  readonly from: number
  readonly to: number
  readonly sha256: string
  readonly bytes: number
  /** ms of the page's clock. */
  readonly at: number
}

export interface ViewerReport {
  readonly loaded: readonly Loaded[]
  /** Times playback stood still after it had begun, each longer than a quarter second; the last may still go on. */
  readonly stalls: readonly Standstill[]
  /** From loadSource to the first frame moving, ms; 0 not yet. */
  readonly startMs: number
  readonly currentTime: number
  readonly latencies: readonly number[]
  readonly heights: readonly number[]
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  readonly estimates: readonly number[]
  readonly snapshot: ReturnType<Nearcast['snapshot']> | null
  readonly now: number
}

interface Standstill {
  readonly at: number
  readonly ms: number
}

const loaded: Loaded[] = []
const stalls: Standstill[] = []
/** Since the playhead last moved, while it should. */
let standstill: Standstill | null = null
const latencies: number[] = []
const heights: number[] = []
const errors: string[] = []
const warnings: string[] = []
const estimates: number[] = []
const pending: Promise<void>[] = []
let hls: Hls
let nearcast: Nearcast | null = null
let video: HTMLVideoElement
let startedAt = 0
let startMs = 0

export async function start(setup: ViewerSetup): Promise<void> {
  video = document.createElement('video')
  video.muted = true
  document.body.append(video)
  nearcast = setup.nearcast ? createNearcast({ tracker: [], manifest: setup.url, ...setup.nearcast }) : null
  nearcast?.on('warning', ({ reason, message }) => warnings.push(`${reason}: ${message}`))
  const config = { ...setup.hls, ...nearcast?.hlsConfig() } as Partial<HlsConfig>
  hls = new Hls({ ...config, fLoader: observed(config.fLoader ?? Hls.DefaultConfig.loader) as never })
  hls.on(Hls.Events.ERROR, (_, data) => errors.push(`${data.details}${data.fatal ? ' (fatal)' : ''}`))
  hls.on(Hls.Events.FRAG_CHANGED, () => heights.push(hls.levels[hls.currentLevel]?.height ?? 0))
  hls.on(Hls.Events.FRAG_BUFFERED, () => estimates.push(hls.bandwidthEstimate))
  const { peersFirst = 0 } = setup
  while (peersFirst > 0 && (nearcast?.snapshot().swarm?.peers.length ?? 0) < peersFirst) {
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  startedAt = performance.now()
  hls.loadSource(setup.url)
  hls.attachMedia(video)
  hls.on(Hls.Events.MANIFEST_PARSED, () => void video.play().catch(() => {}))
  watchPlayhead()
}

/** Every fragment's bytes, exactly as the player gets them. */
function observed(Loader: unknown): unknown {
  const Base = Loader as new (
    config: unknown,
  ) => { load(context: Context, config: unknown, callbacks: Callbacks): void }
  return class extends Base {
    override load(context: Context, config: unknown, callbacks: Callbacks): void {
      super.load(context, config, {
        ...callbacks,
        onSuccess: (response, stats, ctx, details) => {
          if (response.data instanceof ArrayBuffer) keep(context, response.data.slice(0))
          callbacks.onSuccess(response, stats, ctx, details)
        },
      })
    }
  }
}

interface Context {
  readonly url: string
  readonly rangeStart?: number
  readonly rangeEnd?: number
}
interface Callbacks {
  onSuccess(response: { data: unknown }, stats: unknown, context: unknown, details: unknown): void
}

function keep(context: Context, data: ArrayBuffer): void {
  const at = performance.now()
  const hashing = crypto.subtle.digest('SHA-256', data).then(digest => {
    const sha256 = [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join('')
    const { url, rangeStart = 0, rangeEnd = 0 } = context
    loaded.push({ url, from: rangeStart, to: rangeEnd, sha256, bytes: data.byteLength, at })
  })
  pending.push(hashing)
}

const tickMs = 50
const stallMs = 250

function watchPlayhead(): void {
  let last = 0
  let moved = performance.now()
  setInterval(() => {
    const { currentTime } = video
    const now = performance.now()
    if (currentTime > last) {
      if (startMs === 0 && last > 0) startMs = now - startedAt
      endStandstill()
      moved = now
    } else if (startMs > 0 && !video.paused && !video.ended && !video.seeking) {
      standstill = { at: moved, ms: now - moved }
    } else {
      endStandstill()
      moved = now
    }
    last = currentTime
    if (startMs > 0 && Number.isFinite(hls.latency) && hls.latency > 0) latencies.push(hls.latency)
  }, tickMs)
}

function endStandstill(): void {
  stalls.push(...stallIn(standstill))
  standstill = null
}

const stallIn = (still: Standstill | null) => (still && still.ms > stallMs ? [still] : [])

export async function report(): Promise<ViewerReport> {
  await Promise.all(pending)
  return {
    loaded: [...loaded],
    // A player that stands still for good never ends its stall.
    stalls: [...stalls, ...stallIn(standstill)],
    startMs,
    currentTime: video.currentTime,
    latencies: [...latencies],
    heights: [...heights],
    errors: [...errors],
    warnings: [...warnings],
    estimates: [...estimates],
    snapshot: nearcast?.snapshot() ?? null,
    now: performance.now(),
  }
}

export const diagnose = () => nearcast?.diagnose()
export const trace = () => nearcast?.trace() ?? ''
export const setMode = (mode: 'share' | 'leech' | 'off') => nearcast?.setMode(mode)
export const leave = () => nearcast?.destroy()
export const seek = (seconds: number) => {
  video.currentTime = seconds
}
