import {
  contentId,
  type Delivery,
  type Mode,
  type OwnReport,
  type Policy,
  Tally,
  type TrackPath,
} from '@nearcast/peer-core'
import { createAccounts, type NearcastSnapshot } from './accounts.ts'
import { type NearcastConfig, type ResolvedConfig, resolveConfig } from './config.ts'
import { type Diagnosis, diagnose, type Evidence, verdictOf } from './diagnosis.ts'
import { createEmitter } from './emitter.ts'
import { fragmentLoaderClass, type Route } from './hls/fragment-loader.ts'
import type { HlsConfigLike, HlsLike, LoaderConstructor, LoaderContextLike } from './hls/hls-like.ts'
import { HlsPlayer } from './hls/hls-player.ts'
import { createPlayerEdge, type PlayerEdge } from './hls/player-edge.ts'
import { locatorController } from './hls/player-locator.ts'
import { SideDigests } from './hls/side-digests.ts'
import type { Nearcast, NearcastEvents, NearcastHlsConfig } from './nearcast-api.ts'
import { NearcastError } from './nearcast-error.ts'
import { type PlainReason, plainName } from './plain.ts'
import { type StartedSwarm, type StartSwarm, startSwarm } from './start-swarm.ts'
import { type Environment, environment, localNetworkAccess, type NearcastState } from './state.ts'

/** Seams for tests; the defaults are the real thing. */
export interface NearcastParts {
  readonly startSwarm?: StartSwarm
  readonly environment?: () => Environment
}

/**
 * Peer-assisted delivery for one player. Does nothing outside a browser, and opens no connection before consent.
 * Never throws for a reason of its own: without peers playback is plain, and `diagnose()` says why.
 */
export function createNearcast(config: NearcastConfig, parts: NearcastParts = {}): Nearcast {
  return new NearcastSession(config, parts)
}

class NearcastSession implements Nearcast {
  readonly #config: ResolvedConfig
  readonly #environment: Environment
  readonly #startSwarm: StartSwarm
  readonly #emitter = createEmitter<NearcastEvents>()
  readonly #accounts = createAccounts()
  readonly #edge: PlayerEdge
  readonly #loader: LoaderConstructor
  readonly #sideDigests: SideDigests
  /** What a player's configuration was before us. */
  readonly #earlier = new WeakMap<object, Pick<HlsConfigLike, 'fLoader' | 'progressive'>>()
  #player: HlsPlayer | null = null
  #state: NearcastState = { type: 'idle' }
  #contentId = ''
  #mode: Mode
  #policy: Policy | null = null
  #started: StartedSwarm | null = null
  #tally = new Tally(() => performance.now())
  /** As the browser last said. */
  #localNetwork: Evidence['localNetworkAccess'] = 'unsupported'
  #error: string | null = null
  /** Raised whenever an answer that is awaited no longer matters: other content, another mode, destroyed. */
  #epoch = 0
  #closing: Promise<void> = Promise.resolve()

  constructor(config: NearcastConfig, parts: NearcastParts) {
    this.#environment = (parts.environment ?? environment)()
    this.#config = resolveConfig(config, this.#environment.phone)
    this.#startSwarm = parts.startSwarm ?? startSwarm
    this.#mode = this.#config.mode
    this.#edge = createPlayerEdge(this.#config.edges)
    this.#sideDigests = new SideDigests(this.#config, cause =>
      this.#warn('sidecar-failed', 'The digests beside a playlist could not be read.', cause),
    )
    this.#loader = fragmentLoaderClass({
      plainLoader: config => this.#plainLoader(config),
      route: (config, context) => this.#route(config, context),
      onPlain: (reason, fragment, stats, done) => {
        if (!done) return
        this.#accounts.countPlain(reason, stats.loaded)
        this.#tally.addPlain(plainName(fragment), stats.loaded)
        this.#player?.onPlain(fragment)
        this.#emitter.emit('plain', {
          url: fragment.url ?? '',
          type: fragment.type,
          reason,
          bytes: stats.loaded,
        })
      },
      onWarning: (reason, message, cause) => this.#warn(reason, message, cause),
    })
    const { manifest, contentId: named } = this.#config
    if (typeof window !== 'undefined' && (manifest || named)) this.#useContent(manifest)
  }

  hlsConfig(): NearcastHlsConfig {
    const fpsController = locatorController(hls => this.#usePlayer(hls))
    return { fLoader: this.#loader as never, fpsController: fpsController as never, progressive: false }
  }

  attach<Player extends object>(player: Player): Player {
    const hls = player as unknown as HlsLike
    if (this.#state.type === 'closed') return player
    const { config } = hls
    if (this.#player?.hls === hls) return player
    if (!this.#earlier.has(config)) {
      this.#earlier.set(config, { fLoader: config.fLoader, progressive: config.progressive })
      config.fLoader = this.#loader
      config.progressive = false
    }
    this.#usePlayer(hls)
    // Loaded before us: the content is known, and playlists come with their next update.
    if (hls.url) this.#useContent(hls.url)
    return player
  }

  on<K extends keyof NearcastEvents>(event: K, listener: (value: NearcastEvents[K]) => void): () => void {
    return this.#emitter.on(event, listener)
  }

  snapshot(): NearcastSnapshot {
    return this.#accounts.snapshot(this.#state, this.#contentId, this.#started?.swarm.snapshot() ?? null)
  }

  async diagnose(): Promise<Diagnosis> {
    await this.#started?.swarm.refreshStats().catch(() => {})
    this.#localNetwork = await localNetworkAccess()
    return diagnose(this.#evidence())
  }

  #evidence(): Evidence {
    const snapshot = this.#started?.swarm.snapshot() ?? null
    return {
      state: this.#state,
      mode: this.#mode,
      policyMode: snapshot?.policy.mode ?? this.#mode,
      integrity: snapshot?.verification.integrity ?? this.#config.integrity,
      digests: snapshot?.verification.digests ?? 'unknown',
      peers: snapshot?.peers.length ?? 0,
      routes: (snapshot?.peers ?? []).flatMap(({ route }) => (route ? [route] : [])),
      mesh: snapshot?.mesh ?? null,
      stun: this.#started?.stun() ?? this.#config.iceServers.length > 0,
      localNetworkAccess: this.#localNetwork,
      secureContext: this.#environment.secureContext,
      player: this.#player !== null,
      error: this.#error,
    }
  }

  /** What the tracker's operator may know; the permission is asked for the next time. */
  #report(tally: Tally, segmentsBefore: number): OwnReport | null {
    void localNetworkAccess().then(access => {
      this.#localNetwork = access
    })
    const playback = this.#player?.playback() ?? noPlayback
    return tally.report(segmentsBefore, verdictOf(this.#evidence()), playback)
  }

  setMode(mode: Mode): void {
    if (this.#state.type === 'closed' || mode === this.#mode) return
    const was = this.#mode
    this.#mode = mode
    if (mode === 'off' || was === 'off') {
      this.#stop()
      if (this.#contentId) this.#start()
    } else this.#started?.swarm.setMode(this.#stance())
  }

  trace(): string {
    return this.#started?.swarm.trace() ?? ''
  }

  destroy(): Promise<void> {
    if (this.#state.type === 'closed') return this.#closing
    this.#stop()
    const hls = this.#player?.hls
    const streams = this.#dropPlayer()
    if (hls && streams) this.#guard('restart', () => restart(hls))
    this.#setState({ type: 'closed' })
    this.#emitter.clear()
    return this.#closing
  }

  /** `share` only where the viewer does not pay by the byte. */
  #stance(): Mode {
    return this.#mode === 'share' && this.#environment.metered ? 'leech' : this.#mode
  }

  #usePlayer(hls: HlsLike): void {
    if (this.#state.type === 'closed' || hls.userConfig?.assetPlayerId !== undefined) return
    if (this.#player) {
      const message = 'A second player uses this Nearcast; it plays without. Create one Nearcast a player.'
      this.#warn('second-player', message, new NearcastError('other-nearcast', message))
      return
    }
    this.#player = new HlsPlayer(hls, this.#config.identity, {
      onContent: url => {
        // A manifest that is loaded again begins with playlists without digests: what was read is to be given again.
        this.#sideDigests.clear()
        this.#useContent(url)
      },
      onDigestsMissing: (track, details) => this.#sideDigests.lookFor(track, details, this.#player),
      onDelivery: (context, track, delivery) => this.#onDelivery(context, track, delivery),
      onDestroyed: () => void this.#dropPlayer(),
      onFailure: cause => this.#warn('event-failed', 'Nearcast failed inside an event of the player.', cause),
    })
    this.#edge.follow(hls)
    this.#guard('window', () => this.#player?.use(this.#started?.swarm ?? null))
  }

  /** Gives the player back as it was. True when it is to load progressively again. */
  #dropPlayer(): boolean {
    const player = this.#player
    if (!player) return false
    this.#player = null
    this.#sideDigests.clear()
    player.close()
    this.#edge.follow(null)
    const { config } = player.hls
    const earlier = config && this.#earlier.get(config)
    const ours = earlier !== undefined && config.fLoader === this.#loader
    if (ours) {
      Object.assign(config, earlier)
      this.#earlier.delete(config)
    }
    // A page that builds its player anew finds the swarm still there; without one nobody gives it a position.
    this.#started?.swarm.setPosition(idlePosition)
    return ours && earlier.progressive
  }

  #useContent(manifestUrl: string): void {
    const id = this.#config.contentId || contentId(manifestUrl, this.#config.identity.tokenParams) || ''
    if (id !== '' && id === this.#contentId && this.#state.type !== 'idle') return
    this.#stop()
    this.#contentId = id
    this.#accounts.reset()
    this.#sideDigests.clear()
    if (id === '') this.#setState({ type: 'plain', reason: 'no-content' })
    else this.#start()
  }

  #start(): void {
    const plain = this.#whyPlain()
    if (plain) return this.#setState({ type: 'plain', reason: plain })
    const epoch = ++this.#epoch
    const id = this.#contentId
    const current = () => epoch === this.#epoch
    const tally = new Tally(() => performance.now())
    this.#tally = tally
    this.#setState({ type: 'consenting', contentId: id })
    void this.#consent()
      .then(async agreed => {
        if (!current()) return
        if (!agreed) return this.#setState({ type: 'refused', contentId: id })
        this.#setState({ type: 'starting', contentId: id })
        const started = await this.#startSwarm({
          contentId: id,
          config: this.#config,
          mode: this.#stance(),
          edge: this.#edge,
          report: segmentsBefore => this.#report(tally, segmentsBefore),
        })
        if (!current()) return started.close()
        this.#run(started, id)
      })
      .catch(error => {
        if (!current()) return
        this.#error = String(error)
        this.#setState({ type: 'plain', reason: 'failed' })
        this.#warn('swarm-failed', 'The swarm could not be set up; playback is plain.', error)
      })
  }

  async #consent(): Promise<boolean> {
    try {
      return (await this.#config.consent()) === true
    } catch (cause) {
      this.#warn('consent-failed', 'The consent hook threw: taken as no.', cause)
      return false
    }
  }

  #run(started: StartedSwarm, id: string): void {
    const { swarm } = started
    this.#started = started
    this.#tally.watch(swarm)
    this.#policy = swarm.snapshot().policy
    for (const event of ['segment', 'peer', 'note'] as const)
      swarm.on(event, value => this.#emitter.emit(event, value as never))
    swarm.on('edge', fetch => {
      this.#accounts.countEdge(fetch)
      this.#emitter.emit('edge', fetch)
    })
    swarm.on('policy', policy => {
      this.#policy = policy
      this.#guard('policy', () => this.#player?.capToLine(policy.lineKbps))
      this.#emitter.emit('policy', policy)
    })
    this.#setState({ type: 'running', contentId: id })
    this.#guard('window', () => this.#player?.use(swarm))
    this.#guard('policy', () => this.#player?.capToLine(this.#policy?.lineKbps ?? 0))
  }

  #stop(): void {
    this.#epoch++
    const started = this.#started
    this.#started = null
    this.#policy = null
    this.#error = null
    this.#player?.use(null)
    if (!started) return
    const closing = this.#closing
    this.#closing = Promise.all([closing, started.close()]).then(
      () => {},
      error => this.#warn('close-failed', 'The swarm did not close cleanly.', error),
    )
  }

  #whyPlain(): 'mode-off' | 'no-webrtc' | 'no-tracker' | null {
    if (this.#mode === 'off') return 'mode-off'
    if (!this.#environment.webrtc) return 'no-webrtc'
    return this.#config.trackers.length === 0 ? 'no-tracker' : null
  }

  #route(config: HlsConfigLike, context: LoaderContextLike): Route {
    const player = this.#player
    const swarm = this.#started?.swarm
    if (!player || player.hls.config !== config)
      return { type: 'plain', reason: this.#state.type === 'closed' ? 'closed' : 'no-player' }
    if (!swarm) return { type: 'plain', reason: this.#plainReason() }
    if (this.#policy?.mode === 'off') return { type: 'plain', reason: 'policy-off' }
    const route = player.route(context, swarm)
    if (route.type === 'swarm') {
      this.#edge.rewrite(route.source.url, context.url)
      this.#sideDigests.read(route.track, route.source.seq, player)
    }
    return route
  }

  #plainReason(): PlainReason {
    switch (this.#state.type) {
      case 'idle':
        return 'no-content'
      case 'consenting':
      case 'refused':
        return 'no-consent'
      case 'starting':
      case 'running':
        return 'starting'
      case 'plain':
        return this.#state.reason
      case 'closed':
        return 'closed'
    }
  }

  #plainLoader(config: HlsConfigLike): LoaderConstructor {
    return this.#earlier.get(config)?.fLoader ?? config.loader
  }

  #onDelivery(context: LoaderContextLike, track: TrackPath, { bytes, ...delivery }: Delivery): void {
    const { frag, url } = context
    this.#emitter.emit('delivery', {
      url,
      type: frag.type,
      track,
      seq: frag.sn,
      bytes: bytes.length,
      delivery,
    })
  }

  #setState(state: NearcastState): void {
    this.#state = state
    this.#config.debug(`state: ${state.type}`, state)
    this.#emitter.emit('state', state)
  }

  #warn(reason: string, message: string, cause: unknown): void {
    this.#config.debug(`warning: ${message}`, cause)
    this.#emitter.emit('warning', { reason, message, cause })
  }

  /** The player calls us from inside its own events: nothing of ours may be thrown back at it. */
  #guard(what: string, work: () => void): void {
    try {
      work()
    } catch (cause) {
      this.#warn(`${what}-failed`, 'Nearcast failed inside an event of the player; playback goes on.', cause)
    }
  }
}

/**
 * The player's demuxer was told when it was made whether segments come in parts; loading anew makes another one. A
 * player that was stopped gets it when it starts.
 */
function restart(hls: HlsLike): void {
  if (!(hls.loadingEnabled ?? hls.started)) return
  hls.stopLoad()
  hls.startLoad(-1)
}

const noPlayback = { startMs: null, latencyMs: null, kbps: null, stalls: 0, stallMs: 0 }

const idlePosition = { mediaMs: 0, bufferMs: 0, rate: 1, paused: true, hidden: false, tracks: [], goalMs: 0 }
