import type { IdentityHook, Integrity, Mode, TokenSource } from '@nearcast/peer-core'
import { HeadlessError } from './headless-error.ts'
import type { RenditionChoice } from './multivariant.ts'

/** `viewer`: plays in real time without decoding, and shares. `seed`: keeps everything for others. */
export type HeadlessRole = 'viewer' | 'seed'

export interface HeadlessOptions {
  /** URL of the manifest exactly as browsers load it: the swarm is named after it. */
  readonly manifest: string
  /** WebSocket URLs. */
  readonly trackers: readonly string[]
  /** As the plugin's option of that name. @default none */
  readonly token?: TokenSource
  /** @default 'viewer' */
  readonly role?: HeadlessRole
  /** `leech` takes and never gives; a seed always gives. @default 'share' */
  readonly mode?: Exclude<Mode, 'off'>
  /** Folder that outlives the process, one subfolder a content. @default none: memory only */
  readonly cacheDir?: string
  /**
   * Bytes kept for others, of this content. More lets later viewers find more. 0 keeps nothing beyond what is under way.
   * @default 10 GB with `cacheDir`, else 256 MiB
   */
  readonly cacheBytes?: number
  /**
   * Which variants: one, with its default audio, or all. A live seed of all takes every rendition over the line.
   * @default 'highest' for viewers, 'all' for seeds
   */
  readonly rendition?: RenditionChoice
  /** How far ahead a viewer buffers, ms. @default 30000 */
  readonly bufferGoalMs?: number
  /** As the plugin's option of that name. @default 'prefer' */
  readonly integrity?: Integrity
  /** As the plugin's option of that name. @default 'announced' */
  readonly sidecar?: 'announced' | 'always' | 'never'
  /** Most this peer uploads, kbit/s. 0: no cap. @default 0 */
  readonly uploadKbps?: number
  /** `deny`: links inside the network only. @default 'allow' */
  readonly wan?: 'allow' | 'deny'
  /** Must be what browsers have, or there is no common swarm. @default the manifest's URL without tokens */
  readonly contentId?: string
  /** Must be what browsers have. @default [] */
  readonly tokenParams?: readonly string[]
  /** Must be what browsers have. @default the URL itself */
  readonly segmentKey?: IdentityHook
  /** STUN servers until the tracker recommends its own. @default [] */
  readonly iceServers?: readonly { readonly urls: string }[]
}

export type ResolvedHeadless = Required<Omit<HeadlessOptions, 'cacheDir' | 'segmentKey' | 'token'>> &
  Pick<HeadlessOptions, 'cacheDir' | 'segmentKey' | 'token'>

/** @throws HeadlessError for a URL that cannot be one */
export function resolveHeadless(options: HeadlessOptions): ResolvedHeadless {
  const { manifest, trackers, role = 'viewer', cacheDir } = options
  if (!isUrl(manifest, /^https?:$/))
    throw new HeadlessError(
      'bad-manifest-url',
      `"${manifest}" is no URL of a manifest.`,
      'Give the URL that browsers load, beginning with http:// or https://.',
    )
  for (const tracker of trackers) {
    if (!isUrl(tracker, /^wss?:$/))
      throw new HeadlessError(
        'bad-tracker-url',
        `"${tracker}" is no URL of a tracker.`,
        'Give a WebSocket URL, beginning with ws:// or wss://.',
      )
  }
  return {
    ...options,
    role,
    mode: role === 'seed' ? 'share' : (options.mode ?? 'share'),
    cacheBytes: options.cacheBytes ?? (cacheDir === undefined ? 256 * 1024 * 1024 : 10e9),
    rendition: options.rendition ?? (role === 'seed' ? 'all' : 'highest'),
    bufferGoalMs: options.bufferGoalMs ?? 30_000,
    integrity: options.integrity ?? 'prefer',
    sidecar: options.integrity === 'off' ? 'never' : (options.sidecar ?? 'announced'),
    uploadKbps: options.uploadKbps ?? 0,
    wan: options.wan ?? 'allow',
    contentId: options.contentId ?? '',
    tokenParams: options.tokenParams ?? [],
    iceServers: options.iceServers ?? [],
  }
}

function isUrl(text: string, protocol: RegExp): boolean {
  return URL.canParse(text) && protocol.test(new URL(text).protocol)
}
