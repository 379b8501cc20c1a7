import { createNearcast, type Nearcast, type NearcastConfig } from '@nearcast/player-plugin'
import Hls from 'hls.js'

/** One start of hls.js, with or without Nearcast, and when each step of it was done. */

export interface StartSetup {
  readonly url: string
  /** Null: plain hls.js. */
  readonly nearcast: Partial<NearcastConfig> | null
}

/** Milliseconds from `loadSource`, in the order in which they came. */
export type Step = readonly [name: string, ms: number]

let nearcast: Nearcast | null = null

export async function start(setup: StartSetup): Promise<readonly Step[]> {
  const steps: Step[] = []
  const video = document.createElement('video')
  video.muted = true
  document.body.append(video)
  let startedAt = performance.now()
  const step = (name: string) => steps.push([name, performance.now() - startedAt])
  const blocked = new PerformanceObserver(list => {
    for (const { startTime, duration } of list.getEntries())
      steps.push([`blocked for ${Math.round(duration)} ms`, startTime - startedAt])
  })
  blocked.observe({ entryTypes: ['longtask'] })
  if (setup.nearcast) {
    nearcast = createNearcast({ tracker: [], ...setup.nearcast })
    nearcast.on('state', ({ type }) => step(`nearcast ${type}`))
    nearcast.on('edge', ({ state, reason, from, to }) => step(`edge ${reason} ${from}-${to || ''} ${state}`))
    nearcast.on('plain', ({ reason }) => step(`plain ${reason}`))
    nearcast.on('peer', ({ state }) => step(`peer ${state}`))
    nearcast.on('delivery', ({ seq, delivery }) => step(`delivered ${seq} ${delivery.origin}`))
  }
  const hls = new Hls(nearcast ? { ...nearcast.hlsConfig() } : {})
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    step('manifest')
    void video.play().catch(() => {})
  })
  hls.on(Hls.Events.LEVEL_LOADED, () => step('playlist'))
  hls.on(Hls.Events.FRAG_LOADING, (_, { frag }) => step(`${frag.type} ${frag.sn} asked`))
  hls.on(Hls.Events.FRAG_LOADED, (_, { frag }) => step(`${frag.type} ${frag.sn} loaded`))
  hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag }) => step(`${frag.type} ${frag.sn} buffered`))
  startedAt = performance.now()
  hls.loadSource(setup.url)
  hls.attachMedia(video)
  await new Promise<void>(resolve => {
    const onFrame = () =>
      video.currentTime > 0 && !video.paused ? resolve() : video.requestVideoFrameCallback(onFrame)
    video.addEventListener('playing', () => step('playing'), { once: true })
    video.requestVideoFrameCallback(onFrame)
  })
  step('first frame')
  return steps.sort((a, b) => a[1] - b[1])
}
