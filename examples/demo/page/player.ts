import { createNearcast, type Nearcast } from '@nearcast/player-plugin'
import Hls, { type ErrorData } from 'hls.js'
import type { Stream } from './catalogue.ts'

export interface Player {
  readonly hls: Hls
  readonly nearcast: Nearcast
  close(): void
}

/** hls.js with Nearcast on one stream: this is all that a page of your own needs. */
export function play(
  video: HTMLVideoElement,
  stream: Stream,
  options: {
    readonly announce: string
    readonly mode: 'share' | 'leech' | 'off'
    readonly onProblem: (text: string) => void
  },
): Player {
  const url = new URL(stream.url, location.href).href
  const nearcast = createNearcast({ tracker: options.announce, mode: options.mode, manifest: url })
  const hls = new Hls({ ...nearcast.hlsConfig() })
  hls.on(Hls.Events.ERROR, (_, data) => recover(hls, data, options.onProblem))
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    // Muted playback may start by itself nearly everywhere; where not, the button is there.
    video.play().catch(() => {})
  })
  hls.loadSource(url)
  hls.attachMedia(video)
  return {
    hls,
    nearcast,
    close() {
      hls.destroy()
      nearcast.destroy()
    },
  }
}

/** What hls.js recommends for fatal errors: ask again on network trouble, reset the decoder on media trouble. */
function recover(hls: Hls, data: ErrorData, onProblem: (text: string) => void): void {
  if (!data.fatal) return
  onProblem(`Playback stopped: ${data.details}. Trying again …`)
  if (data.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError()
  else setTimeout(() => hls.loadSource(hls.url ?? ''), 2_000)
}
