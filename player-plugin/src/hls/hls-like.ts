import type { ListedFragment, ListedPlaylist } from './playlist-window.ts'

/**
 * What we use of hls.js 1.5 to 1.7, declared by us: no import of theirs, so any of those versions fits and nothing
 * of it ends up in our bundle.
 */
export interface HlsLike {
  readonly config: HlsConfigLike
  /** What the page gave, without defaults. */
  readonly userConfig?: { readonly assetPlayerId?: string | undefined; readonly loader?: unknown }
  readonly media: HTMLMediaElement | null
  readonly levels: readonly HlsLevelLike[]
  readonly loadLevel: number
  /** Seconds behind the live edge; 0 unknown or no live stream. */
  readonly latency?: number
  readonly url: string | null
  /** Bit/s; the configured default until something was measured. */
  readonly bandwidthEstimate: number
  /** Milliseconds. */
  readonly ttfbEstimate: number
  autoLevelCapping: number
  /** Whether it loads: `started` in 1.5, `loadingEnabled` since. */
  readonly loadingEnabled?: boolean
  readonly started?: boolean
  stopLoad(): void
  /** -1: where it was. */
  startLoad(position: number): void
  on(event: string, listener: (event: never, data: never) => void, context?: unknown): void
  off(event: string, listener: (event: never, data: never) => void, context?: unknown): void
}

interface HlsLevelLike {
  readonly bitrate: number
}

export interface HlsConfigLike {
  loader: LoaderConstructor
  fLoader?: LoaderConstructor | undefined
  progressive: boolean
  /** Seconds. */
  maxBufferLength: number
  maxMaxBufferLength: number
  /** Bytes. */
  maxBufferSize: number
  xhrSetup?: unknown
  fetchSetup?: unknown
}

export type LoaderConstructor = new (config: never) => LoaderLike

export interface LoaderLike {
  context: unknown
  stats: LoaderStatsLike
  load(context: LoaderContextLike, config: LoaderConfigLike, callbacks: LoaderCallbacksLike): void
  abort(): void
  destroy(): void
  getCacheAge?(): number | null
  getResponseHeader?(name: string): string | null
}

export interface LoaderStatsLike {
  aborted: boolean
  loaded: number
  retry: number
  total: number
  chunkCount: number
  bwEstimate: number
  loading: { start: number; first: number; end: number }
  parsing: { start: number; end: number }
  buffering: { start: number; first: number; end: number }
}

export interface LoaderContextLike {
  readonly url: string
  readonly responseType: string
  readonly headers?: Record<string, string>
  readonly rangeStart?: number
  /** Exclusive; 0 for none. */
  readonly rangeEnd?: number
  readonly frag: FragmentLike
  readonly part: object | null
}

export interface LoaderConfigLike {
  readonly loadPolicy: { readonly maxTimeToFirstByteMs: number; readonly maxLoadTimeMs: number }
  timeout: number
}

export interface LoaderCallbacksLike {
  onSuccess(
    response: { url: string; data: ArrayBuffer; code: number },
    stats: LoaderStatsLike,
    context: LoaderContextLike,
    details: unknown,
  ): void
  onError(
    error: { code: number; text: string },
    context: LoaderContextLike,
    details: unknown,
    stats: LoaderStatsLike,
  ): void
  onTimeout(stats: LoaderStatsLike, context: LoaderContextLike, details: unknown): void
  onAbort?(stats: LoaderStatsLike, context: LoaderContextLike, details: unknown): void
  onProgress?(stats: LoaderStatsLike, context: LoaderContextLike, data: ArrayBuffer, details: unknown): void
}

export interface FragmentLike extends ListedFragment {
  readonly type: string
  readonly level: number
  readonly bitrateTest: boolean
  /** URL of the playlist that lists it. */
  readonly baseurl: string
  readonly initSegment: FragmentLike | null
  readonly stats: LoaderStatsLike
}

export interface DetailsLike extends ListedPlaylist {
  readonly targetduration: number
  readonly fragments: readonly (FragmentLike | null)[]
}
