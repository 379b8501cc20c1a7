import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import {
  contentId,
  createHasher,
  type Delivery,
  infoHash,
  type Playback,
  type SegmentKey,
  type SegmentSource,
  type Swarm,
  SwarmError,
  Tally,
  type TrackPath,
} from '@nearcast/peer-core'
import { createFileStore } from '@nearcast/peer-core/node'
import { dialVerdict } from '../diagnosis.ts'
import { TrackDirectory } from '../hls/track-directory.ts'
import { formatBytes } from './byte-size.ts'
import { HeadlessError } from './headless-error.ts'
import { type HeadlessOptions, type ResolvedHeadless, resolveHeadless } from './headless-options.ts'
import { type HeadlessReport, p2pShare } from './headless-report.ts'
import { choosePlaylists, parseMultivariant } from './multivariant.ts'
import { startNodeSwarm } from './node-swarm.ts'
import { PlaylistFeed } from './playlist-feed.ts'
import { readText } from './read-text.ts'
import { Seeder } from './seeder.ts'
import { createDiskShelf, createMemoryShelf, type Shelf } from './shelf.ts'
import { Viewer } from './viewer.ts'

/** A segment as the player of a browser would be handed it. */
export interface TakenSegment {
  readonly track: TrackPath
  readonly source: SegmentSource
  readonly delivery: Delivery
}

export type SegmentListener = (segment: TakenSegment) => void

export interface HeadlessProblem {
  readonly reason:
    | 'segment-failed'
    | 'resync'
    | 'cache-full'
    | 'cache-failed'
    | 'cache-small'
    | 'playlist-failed'
    | 'playlist-back'
  readonly message: string
}

export interface HeadlessListeners {
  readonly onSegment?: SegmentListener
  /** Nothing that ends the peer; it goes on by itself. */
  readonly onProblem?: (problem: HeadlessProblem) => void
}

/** A running peer without a screen. */
export interface HeadlessPeer {
  readonly swarm: Swarm
  report(): HeadlessReport
  /** Resolves when a viewer has played its recording to the end, or a seed has all that fits. Live: never. */
  readonly done: Promise<void>
  /** Leaves the tracker, closes links, brings the cache in order. May be called twice. */
  close(): Promise<void>
}

/**
 * Joins the swarm of a manifest as a peer that shows nothing: same names, same wire, same scheduler as the plugin in a
 * browser, over werift.
 * @throws HeadlessError with what to do
 */
export async function createHeadlessPeer(
  options: HeadlessOptions,
  listeners: HeadlessListeners = {},
): Promise<HeadlessPeer> {
  const resolved = resolveHeadless(options)
  const abort = new AbortController()
  const { playlists, bytes } = await readManifest(resolved, abort.signal)
  const id = resolved.contentId || contentId(resolved.manifest, resolved.tokenParams) || ''
  const hash = await infoHash(id, createHasher())
  const problem = listeners.onProblem ?? (() => {})
  const shelf = await openShelf(resolved, hash)
  const within = await withinDisk(resolved, shelf, problem)
  const peer = new Peer(within, listeners, { playlists, shelf, hash, id, abort })
  peer.controlBytes += bytes
  try {
    await peer.start()
    return peer
  } catch (error) {
    await peer.close()
    throw error
  }
}

interface Parts {
  readonly playlists: readonly string[]
  readonly shelf: Shelf
  readonly hash: string
  readonly id: string
  readonly abort: AbortController
}

class Peer implements HeadlessPeer {
  readonly swarm: Swarm
  readonly done: Promise<void>
  controlBytes = 0
  #finish: () => void = () => {}
  readonly #options: ResolvedHeadless
  readonly #listeners: HeadlessListeners
  readonly #parts: Parts
  readonly #feeds: readonly PlaylistFeed[]
  readonly #startedAt = performance.now()
  #runner: { type: 'viewer'; viewer: Viewer } | { type: 'seed'; seeder: Seeder } | null = null
  #problems = 0
  #closing: Promise<void> | null = null

  constructor(options: ResolvedHeadless, listeners: HeadlessListeners, parts: Parts) {
    this.#options = options
    this.#listeners = listeners
    this.#parts = parts
    this.done = new Promise(resolve => {
      this.#finish = resolve
    })
    const tally = new Tally(() => performance.now())
    this.swarm = startNodeSwarm(options, parts.hash, parts.shelf, segmentsBefore =>
      tally.report(segmentsBefore, this.#peering(), this.#playback()),
    )
    tally.watch(this.swarm)
    const { tokenParams, segmentKey, sidecar } = options
    const directory = new TrackDirectory(segmentKey ? { tokenParams, segmentKey } : { tokenParams })
    const feeds: PlaylistFeed[] = []
    for (const url of parts.playlists) {
      const feed: PlaylistFeed = new PlaylistFeed({
        url,
        directory,
        sidecar,
        signal: parts.abort.signal,
        other: () => feeds.find(each => each !== feed && each.placed)?.placed ?? null,
        onControl: bytes => {
          this.controlBytes += bytes
        },
        onWindow: ({ track, live, sources }) => {
          this.swarm.setWindow(track, live, sources)
          if (this.#runner?.type === 'viewer') this.#runner.viewer.update()
          if (this.#runner?.type === 'seed') this.#runner.seeder.update()
        },
        onTrouble: detail =>
          detail === null
            ? this.#tell('playlist-back', `${url} can be read again.`)
            : this.#tell('playlist-failed', `${url}: ${detail}. It is tried again.`),
      })
      feeds.push(feed)
    }
    this.#feeds = feeds
  }

  async start(): Promise<void> {
    const { role } = this.#options
    // The first is what others are put beside on the timeline.
    const [first, ...others] = this.#feeds
    const troubles = [await first!.load(), ...(await Promise.all(others.map(feed => feed.load())))]
    for (const [index, trouble] of troubles.entries()) {
      if (trouble === null) continue
      const url = this.#parts.playlists[index]!
      if (role === 'viewer' || index === 0)
        throw new HeadlessError('manifest-unreachable', `${url}: ${trouble}.`, reachRemedy)
      this.#tell('playlist-failed', `${url}: ${trouble}. It is tried again.`)
    }
    await this.#confirmShelf()
    if (this.#parts.abort.signal.aborted) return
    this.#run()
    for (const feed of this.#feeds) void feed.follow()
  }

  report(): HeadlessReport {
    const { swarm } = this
    const snapshot = swarm.snapshot()
    const viewer = this.#runner?.type === 'viewer' ? this.#runner.viewer.report() : null
    const seed = this.#runner?.type === 'seed' ? this.#runner.seeder.report() : null
    const { cacheDir, cacheBytes, role } = this.#options
    return {
      role,
      contentId: this.#parts.id,
      infoHash: this.#parts.hash,
      peerId: snapshot.self,
      live: this.#feeds.some(({ live }) => live),
      seconds: round((performance.now() - this.#startedAt) / 1000, 1),
      segments: viewer?.segments ?? seed?.segments ?? 0,
      bytes: { ...snapshot.bytes, playlists: this.controlBytes },
      p2pShare: round(p2pShare(snapshot.bytes), 4),
      peers: snapshot.peers.length,
      tracker: snapshot.mesh.tracker,
      trackerError: snapshot.mesh.trackerError,
      group: snapshot.mesh.group,
      verification: snapshot.verification,
      cache: { dir: cacheDir ?? null, ...this.#parts.shelf.usage(), limit: cacheBytes },
      playback: viewer && {
        state: viewer.state,
        positionMs: Math.round(viewer.positionMs),
        bufferMs: Math.round(viewer.bufferMs),
        startupMs: Math.round(viewer.startupMs),
        stalls: viewer.stalls,
        stalledMs: Math.round(viewer.stalledMs),
        latencyMs: Math.round(viewer.latencyMs),
        lost: viewer.lost,
        resyncs: viewer.resyncs,
      },
      seed: seed && { cached: seed.cached, listed: seed.listed, done: seed.done },
      problems: this.#problems,
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #end(): Promise<void> {
    this.#parts.abort.abort()
    if (this.#runner?.type === 'viewer') this.#runner.viewer.close()
    if (this.#runner?.type === 'seed') this.#runner.seeder.close()
    await this.swarm.close()
    await this.#parts.shelf.close()
  }

  #run(): void {
    const { swarm } = this
    const { cacheBytes, bufferGoalMs } = this.#options
    const onSegment: SegmentListener = segment => this.#listeners.onSegment?.(segment)
    const onProblem = (reason: HeadlessProblem['reason'], message: string) => this.#tell(reason, message)
    const feeds = this.#feeds
    if (this.#options.role === 'viewer') {
      const options = { swarm, feeds, goalMs: bufferGoalMs, onSegment, onProblem, onEnded: this.#finish }
      this.#runner = { type: 'viewer', viewer: new Viewer(options) }
    } else {
      const { shelf } = this.#parts
      const seeder = new Seeder({
        swarm,
        isServing: () => swarm.snapshot().policy.mode === 'share',
        hasCompany: () => swarm.snapshot().peers.some(({ place }) => place === 'group'),
        feeds,
        shelf,
        cacheBytes,
        onSegment,
        onProblem,
        onDone: this.#finish,
      })
      this.#runner = { type: 'seed', seeder }
    }
  }

  /** What an earlier run left is offered once the playlists have said that it is still the same. */
  async #confirmShelf(): Promise<void> {
    if (this.#options.cacheDir === undefined) return
    await Promise.all(this.#feeds.map(feed => feed.proveAll()))
    const roots = new Map<SegmentKey, string>()
    for (const { items } of this.#feeds) {
      for (const { source, init } of items) {
        roots.set(source.key, source.root)
        if (init) roots.set(init.key, init.root)
      }
    }
    await this.#parts.shelf.confirm(({ entry }) => roots.get(entry.key) === entry.root)
    // The swarm takes them over, and then hears again what is listed.
    await immediate()
    for (const feed of this.#feeds) feed.tell()
  }

  /** One word for the operator; a headless peer has no browser whose permissions could be in the way. */
  #peering(): string {
    const { peers, mesh } = this.swarm.snapshot()
    if (peers.length > 0) return 'ok'
    const stun = this.#options.iceServers.length > 0
    return dialVerdict({ localNetworkAccess: 'unsupported', stun }, mesh)
  }

  /** Null for a seed: nobody watches it. */
  #playback(): Playback | null {
    if (this.#options.role !== 'viewer') return null
    const viewer = this.#runner?.type === 'viewer' ? this.#runner.viewer.report() : null
    return {
      startMs: viewer && viewer.startupMs > 0 ? Math.round(viewer.startupMs) : null,
      latencyMs: viewer && viewer.latencyMs > 0 ? Math.round(viewer.latencyMs) : null,
      kbps: null,
      stalls: viewer?.stalls ?? 0,
      stallMs: Math.round(viewer?.stalledMs ?? 0),
    }
  }

  #tell(reason: HeadlessProblem['reason'], message: string): void {
    if (this.#parts.abort.signal.aborted) return
    if (reason !== 'playlist-back') this.#problems++
    this.#listeners.onProblem?.({ reason, message })
  }
}

const reachRemedy = 'Check the URL, and that this machine reaches it (try it with curl).'

/** The media playlists to follow, by what the manifest is. */
async function readManifest(
  { manifest, rendition }: ResolvedHeadless,
  signal: AbortSignal,
): Promise<{ playlists: readonly string[]; bytes: number }> {
  const answer = await readText(manifest, { signal })
  if (answer.type !== 'text') {
    const detail = answer.type === 'failed' ? answer.detail : 'nothing new'
    throw new HeadlessError('manifest-unreachable', `${manifest}: ${detail}.`, reachRemedy)
  }
  if (!/^\uFEFF?#EXTM3U/.test(answer.text))
    throw new HeadlessError(
      'not-a-playlist',
      `${manifest} is no HLS playlist.`,
      'Give the URL of an .m3u8; DASH is not followed yet.',
    )
  const multivariant = parseMultivariant(answer.text, answer.url)
  if (!multivariant) return { playlists: [manifest], bytes: answer.bytes }
  const playlists = choosePlaylists(multivariant, rendition)
  if (playlists) return { playlists, bytes: answer.bytes }
  const heights = [...new Set(multivariant.variants.map(({ height }) => height))].sort((a, b) => a - b)
  throw new HeadlessError(
    'no-such-rendition',
    `${manifest} has no rendition of height ${rendition}.`,
    `It has ${heights.join(', ')}: choose one of these, highest, lowest or all.`,
  )
}

/** A cache never means to fill the disk. */
async function withinDisk(
  options: ResolvedHeadless,
  shelf: Shelf,
  onProblem: (problem: HeadlessProblem) => void,
): Promise<ResolvedHeadless> {
  const { cacheDir, cacheBytes } = options
  const disk = cacheDir === undefined ? null : await statfs(cacheDir).catch(() => null)
  if (!disk) return options
  const room = Math.floor(disk.bavail * disk.bsize * 0.95) + shelf.usage().bytes
  if (room >= cacheBytes) return options
  const message = `${cacheDir} has room for ${formatBytes(room)}, not ${formatBytes(cacheBytes)}; that much is used.`
  onProblem({ reason: 'cache-small', message })
  return { ...options, cacheBytes: room }
}

async function openShelf({ cacheDir }: ResolvedHeadless, hash: string): Promise<Shelf> {
  if (cacheDir === undefined) return createMemoryShelf()
  try {
    return createDiskShelf(await createFileStore({ dir: join(cacheDir, hash) }))
  } catch (error) {
    if (error instanceof SwarmError && error.reason === 'store-in-use')
      throw new HeadlessError(
        'cache-in-use',
        error.message,
        'Stop that peer first, or give this one another --cache.',
        error,
      )
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : ''
    throw new HeadlessError(
      'cache-unwritable',
      `${cacheDir} cannot be used as a cache${cause}.`,
      'Give --cache a folder that this user may write.',
      error,
    )
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
