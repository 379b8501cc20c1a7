import type { IdentityHook, Integrity, Mode, TokenSource } from '@nearcast/peer-core'

/**
 * Everything a site owner can set. Only `tracker` is needed; everything else has a default that suits a public
 * site. What the tracker's operator sets for the viewer's network (policy) may restrict further, never widen.
 */
export interface NearcastConfig {
  /**
   * Announce URL of the tracker, or several in order of preference (`wss:` on https pages).
   * `''` or `[]`: no peers, plain playback.
   */
  readonly tracker: string | readonly string[]

  /**
   * Join token for a tracker that asks for one, or a function that brings one from your server: called before the first
   * announce, half a minute before the token expires, and when it is refused. It is sent to every tracker named.
   * @default none
   */
  readonly token?: TokenSource

  /**
   * `share` gives and takes, `leech` only takes, `off` is plain playback without any connection of ours.
   * `share` becomes `leech` where the browser reports Save-Data or a cellular line. See also `nearcast.setMode`.
   * @default 'share'
   */
  readonly mode?: Mode

  /**
   * Names the title or channel for all its viewers. Two viewers meet only with equal ids; two different videos with
   * one id would exchange useless offers. Set it when manifests of one content have different URLs.
   * @default the manifest's URL without fragment, credentials and token parameters
   */
  readonly contentId?: string

  /**
   * Manifest URL, when it is known before the player loads it: the swarm is joined at once, and the first segment
   * may already come from a neighbour. Costs a tracker connection for pages whose viewer never presses play.
   * @default none: join when the player loads its manifest
   */
  readonly manifest?: string

  /**
   * What to do about the publisher's digests: `required` plays peers' bytes only when verified (without digests
   * everything comes from the edge), `prefer` verifies when digests are there, `off` does not verify. `audit` is to
   * verify and report but play on; not yet: it does what `prefer` does.
   * @default 'prefer'
   */
  readonly integrity?: Integrity

  /**
   * Asked once per content before anything of ours opens a connection. Until it says yes, and for ever when it says
   * no or throws, playback is plain. Show your dialogue here.
   * @default consent is given
   */
  readonly consent?: () => boolean | Promise<boolean>

  /**
   * STUN servers (`stun:host:port`) until the tracker recommends its own. Each costs a few packets a connection and
   * learns the viewer's address.
   * @default []
   */
  readonly iceServers?: readonly { readonly urls: string }[]

  /**
   * For tokens inside paths: gives a playlist's or segment's URL as all viewers have it. Must be pure; called for
   * every listed segment on every playlist update.
   * @default the URL itself
   */
  readonly segmentKey?: IdentityHook

  /**
   * Further query parameters that name a viewer and not the content, beside the known ones (`knownTokenParams`).
   * @default []
   */
  readonly tokenParams?: readonly string[]

  /**
   * Base URLs that serve the same tree, the stream's own among them: a segment under one of them may be taken from
   * any, and the one that worked last is asked first. Each further one is a connection when it is needed.
   * @default []: each URL is asked as the playlist has it
   */
  readonly edges?: readonly string[]

  /**
   * Bytes of segments kept in memory to serve others. Raising it costs the viewer's memory and lets later viewers
   * find more; 0 serves only what arrives now.
   * @default 64 MiB on phones, 256 MiB elsewhere
   */
  readonly storeBytes?: number

  /**
   * Bytes of segments kept on disk (IndexedDB) over visits. Costs disk and a write a segment; pays for recordings
   * that are watched again. 0: nothing is written. `Infinity`: as much as the browser allows.
   * @default 0
   */
  readonly persistBytes?: number

  /**
   * Most this viewer uploads, kbit/s. 0: no cap of ours; the swarm backs off by itself when the line fills.
   * @default 0
   */
  readonly uploadKbps?: number

  /**
   * `deny` connects only to peers behind the same network: no address leaves it, and no byte to outsiders.
   * @default 'allow'
   */
  readonly wan?: 'allow' | 'deny'

  /**
   * Capacity of the line that viewers of one site share, kbit/s. When it is thin the automatic level is capped to
   * what it carries once. Usually the tracker's policy says it. 0: unknown.
   * @default 0
   */
  readonly lineKbps?: number

  /**
   * When to look for the digest file beside a VoD playlist that carries none itself: `announced` only when the
   * playlist says there is one, `always` (one request a playlist, a 404 where there is none), `never`.
   * @default 'announced'
   */
  readonly sidecar?: 'announced' | 'always' | 'never'

  /**
   * Record what the scheduler was told, for `nearcast.trace()`. Costs some memory a message: for debugging.
   * @default false
   */
  readonly trace?: boolean

  /**
   * Say on the console what happens: `true`, or your own function.
   * @default false
   */
  readonly debug?: boolean | ((message: string, detail?: unknown) => void)
}

/** The same with every default filled in. */
export interface ResolvedConfig {
  readonly trackers: readonly string[]
  readonly token: TokenSource | null
  readonly mode: Mode
  readonly contentId: string
  readonly manifest: string
  readonly integrity: Integrity
  readonly consent: () => boolean | Promise<boolean>
  readonly iceServers: readonly { readonly urls: string }[]
  readonly identity: { readonly tokenParams: readonly string[]; readonly segmentKey?: IdentityHook }
  readonly edges: readonly string[]
  readonly storeBytes: number
  readonly persistBytes: number
  readonly uploadKbps: number
  readonly wan: 'allow' | 'deny'
  readonly lineKbps: number
  readonly sidecar: 'announced' | 'always' | 'never'
  readonly trace: boolean
  readonly debug: (message: string, detail?: unknown) => void
}

const MiB = 1024 * 1024

/** @param phone whether memory is to be spared */
export function resolveConfig(config: NearcastConfig, phone: boolean): ResolvedConfig {
  const { tracker, segmentKey, tokenParams = [], debug = false } = config
  return {
    trackers: (typeof tracker === 'string' ? [tracker] : tracker).filter(url => url !== ''),
    token: config.token ?? null,
    mode: config.mode ?? 'share',
    contentId: config.contentId ?? '',
    manifest: config.manifest ?? '',
    integrity: config.integrity ?? 'prefer',
    consent: config.consent ?? (() => true),
    iceServers: config.iceServers ?? [],
    identity: segmentKey ? { tokenParams, segmentKey } : { tokenParams },
    edges: config.edges ?? [],
    storeBytes: config.storeBytes ?? (phone ? 64 : 256) * MiB,
    persistBytes: config.persistBytes ?? 0,
    uploadKbps: config.uploadKbps ?? 0,
    wan: config.wan ?? 'allow',
    lineKbps: config.lineKbps ?? 0,
    sidecar: config.sidecar ?? 'announced',
    trace: config.trace ?? false,
    debug: typeof debug === 'function' ? debug : debug ? toConsole : () => {},
  }
}

function toConsole(message: string, detail?: unknown): void {
  if (detail === undefined) console.debug(`[nearcast] ${message}`)
  else console.debug(`[nearcast] ${message}`, detail)
}
