import type { Nearcast, NearcastConfig } from '@nearcast/player-plugin'
import { createNearcast } from '../../../player-plugin/src/create-nearcast.ts'
import { SwarmDouble } from './swarm-double.ts'

export { preload } from './swarm-double.ts'

/** The hls.js on the page, of whichever version the test loaded. */
export interface PageHls {
  readonly config: Record<string, unknown>
  readonly media: HTMLMediaElement | null
  readonly bandwidthEstimate: number
  readonly levels: readonly { readonly bitrate: number }[]
  nextLevel: number
  autoLevelCapping: number
  loadLevel: number
  loadSource(url: string): void
  attachMedia(media: HTMLMediaElement): void
  stopLoad(): void
  startLoad(position?: number): void
  destroy(): void
  // biome-ignore lint/suspicious/noExplicitAny: events of three versions
  on(event: string, listener: (event: string, data: any) => void): void
}
declare const Hls: {
  new (config: Record<string, unknown>): PageHls
  readonly version: string
  Events: Record<string, string>
}

export interface Setup {
  readonly url: string
  readonly hls?: Record<string, unknown>
  readonly nearcast?: Partial<NearcastConfig>
  /** By `hlsConfig()`, by `attach()`, or not at all. */
  readonly by?: 'config' | 'attach' | 'none'
  readonly play?: boolean
}

export interface Running {
  readonly hls: PageHls
  readonly nearcast: Nearcast
  readonly video: HTMLVideoElement
  readonly errors: {
    details: string
    fatal: boolean
    code: number | undefined
    message: string | undefined
  }[]
  readonly warnings: string[]
  readonly plain: string[]
  readonly deliveries: { type: string; seq: number | string; origin: string }[]
  readonly loaded: { sn: number | string; stats: Record<string, unknown> }[]
  readonly buffered: { sn: number | string; bps: number; estimate: number; stats: string }[]
  swarm(): SwarmDouble
  swarms: SwarmDouble[]
}

let current: Running | null = null
/** Kept for the next double that is made. */
let nextAnswer: SwarmDouble['answer'] | null = null

export function answerWith(answer: SwarmDouble['answer']): void {
  nextAnswer = answer
  for (const swarm of current?.swarms ?? []) swarm.answer = answer
}

export function run(): Running {
  if (!current) throw new Error('nothing was started')
  return current
}

export function start(setup: Setup): void {
  stop()
  const video = document.createElement('video')
  video.muted = true
  document.body.append(video)
  const swarms: SwarmDouble[] = []
  const nearcast = createNearcast(
    { tracker: 'ws://tracker.invalid', ...setup.nearcast },
    {
      startSwarm: async ({ edge }) => {
        const swarm = new SwarmDouble(edge)
        if (nextAnswer) swarm.answer = nextAnswer
        swarms.push(swarm)
        return { swarm, stun: () => false, close: () => swarm.close() }
      },
    },
  )
  const by = setup.by ?? 'config'
  const hls = new Hls({ ...setup.hls, ...(by === 'config' ? nearcast.hlsConfig() : {}) })
  if (by === 'attach') nearcast.attach(hls)
  const running: Running = {
    hls,
    nearcast,
    video,
    errors: [],
    warnings: [],
    plain: [],
    deliveries: [],
    loaded: [],
    buffered: [],
    swarms,
    swarm: () => {
      const last = swarms.at(-1)
      if (!last) throw new Error('no swarm was started')
      return last
    },
  }
  current = running
  hls.on('hlsError', (_, { details, fatal, response, error }) =>
    running.errors.push({ details, fatal, code: response?.code, message: error?.message }),
  )
  hls.on('hlsFragLoaded', (_, { frag }) =>
    running.loaded.push({ sn: frag.sn, stats: JSON.parse(JSON.stringify(frag.stats)) }),
  )
  hls.on('hlsFragBuffered', (_, { frag, stats }) =>
    running.buffered.push({
      sn: frag.sn,
      bps: Math.round(
        (stats.loaded * 8000) /
          (stats.parsing.end -
            stats.loading.start -
            Math.min(
              stats.loading.first - stats.loading.start,
              (hls as unknown as { ttfbEstimate: number }).ttfbEstimate,
            )),
      ),
      estimate: Math.round(hls.bandwidthEstimate),
      stats: JSON.stringify(stats),
    }),
  )
  nearcast.on('warning', ({ reason }) => running.warnings.push(reason))
  nearcast.on('plain', ({ reason }) => running.plain.push(reason))
  nearcast.on('delivery', ({ type, seq, delivery }) =>
    running.deliveries.push({ type, seq, origin: delivery.origin }),
  )
  hls.loadSource(setup.url)
  hls.attachMedia(video)
  if (setup.play ?? true) video.play().catch(() => {})
}

export function stop(): void {
  current?.hls.destroy()
  void current?.nearcast.destroy()
  current?.video.remove()
  current = null
}

export const version = (): string => Hls.version

/** Resolves when the playhead has passed `seconds`; rejects with what is known when it does not. */
export async function played(seconds: number, withinMs = 12_000): Promise<void> {
  const { video, errors, warnings, plain, nearcast } = run()
  await until(
    () => {
      if (errors.some(({ fatal }) => fatal)) throw new Error(`fatal: ${JSON.stringify(errors)}`)
      return video.currentTime >= seconds
    },
    withinMs,
    () =>
      JSON.stringify({ at: video.currentTime, state: nearcast.snapshot().state, errors, warnings, plain }),
  )
}

export async function until(met: () => boolean, withinMs = 12_000, describe = () => ''): Promise<void> {
  const end = performance.now() + withinMs
  while (!met()) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms ${describe()}`)
    await new Promise(resolve => setTimeout(resolve, 30))
  }
}
