import { setTimeout as delay } from 'node:timers/promises'
import { type SegmentKey, type SegmentSource, type Swarm, SwarmError } from '@nearcast/peer-core'
import type { SegmentListener } from './headless-peer.ts'
import type { PlaylistFeed } from './playlist-feed.ts'
import type { Shelf } from './shelf.ts'
import { endMs } from './timeline.ts'

export interface SeederOptions {
  readonly swarm: Pick<Swarm, 'request' | 'setPosition'>
  /** False while a policy switched peers off, or made this one take only: nobody is served by what it fetches. */
  readonly isServing: () => boolean
  /** Whether anybody else is behind the same network. */
  readonly hasCompany: () => boolean
  readonly feeds: readonly PlaylistFeed[]
  readonly shelf: Shelf
  /** Bytes that may be kept. */
  readonly cacheBytes: number
  readonly onSegment: SegmentListener
  readonly onProblem: (reason: 'segment-failed' | 'cache-full' | 'cache-failed', message: string) => void
  /** Everything of all recordings is here; or, `full`, as much as fits. */
  readonly onDone: (how: 'complete' | 'full') => void
}

/** A seed needs nothing soon: whoever watches comes first, on the line and at other peers. */
const patienceMs = 600_000
/** Rest after a segment that came over the line while others watch: as long as it took, within these bounds. */
const leastRestMs = 50
const mostRestMs = 10_000
/** Look again for what is missing (evicted, failed, newly digested) this often. */
const reviewMs = 10_000
/** Live segments begin where a viewer who comes now begins. */
const liveSyncTargets = 3
const positionEveryMs = 5_000
/** What was taken and is not kept (too large to share, evicted, forbidden by policy) is left alone this long. */
const leftAloneMs = 600_000
/** A disk gets this long to write a segment, in so many looks. */
const lookMs = 10
const mostLooks = 100
const firstRetryMs = 2_000
const longestRetryMs = 60_000

/**
 * Keeps a content warm for others. Recordings: everything, one segment at a time, in the order of the film, as far as
 * the cache reaches. Live: each new segment of each track as it is listed. It plays nothing, so it is never a candidate
 * for leases; it takes from the edge what no viewer's turn brings.
 */
export class Seeder {
  readonly #options: SeederOptions
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #retries = new Map<SegmentKey, { failures: number; at: number }>()
  #wake: () => void = () => {}
  #segments = 0
  #done: 'complete' | 'full' | null = null
  #saidTrouble = false

  constructor(options: SeederOptions) {
    this.#options = options
    this.#givePosition()
    this.#timer = setInterval(() => this.#givePosition(), positionEveryMs)
    void this.#keepRecordings()
    for (const feed of options.feeds) void this.#keepLive(feed)
  }

  /** A playlist changed. */
  update(): void {
    this.#wake()
    this.#wake = () => {}
  }

  report() {
    const { feeds, shelf } = this.#options
    const keys = new Set<SegmentKey>()
    for (const { items } of feeds) {
      for (const { source, init } of items) {
        keys.add(source.key)
        if (init) keys.add(init.key)
      }
    }
    let cached = 0
    for (const key of keys) if (shelf.has(key)) cached++
    const { bytes } = shelf.usage()
    return { segments: this.#segments, done: this.#done, cached, listed: keys.size, cachedBytes: bytes }
  }

  close(): void {
    clearInterval(this.#timer)
    this.#abort.abort()
    this.update()
  }

  get #isClosed(): boolean {
    return this.#abort.signal.aborted
  }

  async #keepRecordings(): Promise<void> {
    const { feeds, onDone } = this.#options
    while (!this.#isClosed) {
      const recorded = feeds.filter(({ live, items }) => !live && items.length > 0)
      await Promise.all(recorded.map(feed => feed.proveAll()))
      const outcome = await this.#pass(plan(recorded))
      if (this.#isClosed) return
      const isAll = recorded.length > 0 && recorded.length === feeds.length
      const done = outcome === 'full' ? 'full' : outcome === 'nothing-missing' && isAll ? 'complete' : null
      if (done && done !== this.#done) {
        this.#done = done
        onDone(done)
      }
      await this.#rest(reviewMs)
    }
  }

  /** Takes what is missing of a plan, once. */
  async #pass(
    entries: readonly { feed: PlaylistFeed; source: SegmentSource }[],
  ): Promise<'nothing-missing' | 'some-missing' | 'full'> {
    const { shelf, cacheBytes, onProblem } = this.#options
    let isMissing = false
    for (const { feed, source } of entries) {
      if (this.#isClosed) return 'some-missing'
      if (shelf.has(source.key)) continue
      if (!this.#options.isServing()) return 'some-missing'
      if (shelf.usage().bytes + (source.size || meanSize(feed)) > cacheBytes) {
        if (this.#done !== 'full')
          onProblem('cache-full', 'The cache is full; what is in it is served. Raise --cache-size for more.')
        return 'full'
      }
      const retry = this.#retries.get(source.key)
      if (retry && performance.now() < retry.at) {
        if (retry.failures > 0) isMissing = true
        continue
      }
      const started = performance.now()
      const edgeBytes = await this.#take(feed, source, patienceMs)
      if (edgeBytes === null) isMissing = true
      else await this.#kept(source.key)
      // The disk refused it: fetching more would fill the memory.
      if (shelf.trouble() !== null) {
        this.#sayTrouble(shelf.trouble())
        return 'some-missing'
      }
      this.#saidTrouble = false
      if (edgeBytes && this.#options.hasCompany())
        await this.#rest(Math.min(Math.max(performance.now() - started, leastRestMs), mostRestMs))
    }
    return isMissing ? 'some-missing' : 'nothing-missing'
  }

  async #keepLive(feed: PlaylistFeed): Promise<void> {
    let nextSeq = -1
    while (!this.#isClosed) {
      const { placed } = feed
      if (placed && feed.live && nextSeq < 0)
        nextSeq = feed.at(endMs(placed) - liveSyncTargets * placed.targetMs)?.source.seq ?? -1
      const item = feed.live && nextSeq >= 0 ? feed.from(nextSeq) : undefined
      if (feed.hasBegunAnew(nextSeq)) {
        nextSeq = -1
        continue
      }
      if (!item || !placed) {
        await this.#changed()
        continue
      }
      if (!this.#options.isServing()) {
        nextSeq = -1
        await this.#changed()
        continue
      }
      const { source, init } = item
      // It is worth having as long as the playlist lists it.
      const untilGoneMs = Math.max(1_000, source.startMs - placed.startsMs[0]!)
      if (init && !this.#options.shelf.has(init.key)) await this.#take(feed, init, untilGoneMs)
      if (!this.#options.shelf.has(source.key) && (await this.#take(feed, source, untilGoneMs)) === null) {
        await this.#rest(1_000)
        const first = feed.items[0]?.source.seq ?? 0
        const failures = this.#retries.get(source.key)?.failures ?? 0
        if (failures < 3 && source.seq >= first) continue
        this.#retries.delete(source.key)
      }
      nextSeq = source.seq + 1
    }
  }

  /** Bytes that came from the edge; null when it could not be had. */
  async #take(feed: PlaylistFeed, source: SegmentSource, deadlineMs: number): Promise<number | null> {
    const retry = this.#retries.get(source.key)
    const { swarm, onSegment, onProblem } = this.#options
    const signal = this.#abort.signal
    try {
      const options = { deadlineMs, urgency: 'play', signal } as const
      const delivery = await swarm.request(feed.track, source.key, options)
      this.#segments++
      if (feed.live) this.#retries.delete(source.key)
      else this.#retries.set(source.key, { failures: 0, at: performance.now() + leftAloneMs })
      onSegment({ track: feed.track, source, delivery })
      return delivery.edgeBytes
    } catch (error) {
      if (this.#isClosed) return null
      const failures = (retry?.failures ?? 0) + 1
      const waitMs = Math.min(firstRetryMs * 2 ** (failures - 1), longestRetryMs)
      this.#retries.set(source.key, { failures, at: performance.now() + waitMs })
      if (failures === 1) {
        const reason = error instanceof SwarmError ? error.reason : String(error)
        onProblem('segment-failed', `${source.url} could not be had: ${reason}. It is tried again.`)
      }
      return null
    }
  }

  /** What was just taken is on its way to the disk; how much fits is known when it is there. */
  async #kept(key: SegmentKey): Promise<void> {
    const { shelf } = this.#options
    for (let looks = 0; looks < mostLooks && !shelf.has(key) && !this.#isClosed; looks++) {
      if (shelf.trouble() !== null) return
      await this.#rest(lookMs)
    }
  }

  #sayTrouble(trouble: unknown): void {
    if (this.#saidTrouble) return
    this.#saidTrouble = true
    const detail = trouble instanceof Error ? trouble.message : String(trouble)
    this.#options.onProblem('cache-failed', `${detail} Nothing more is fetched until there is room.`)
  }

  /** Plays nothing, needs nothing for an hour: others are served first and nobody waits for it. */
  #givePosition(): void {
    this.#options.swarm.setPosition({
      mediaMs: 0,
      bufferMs: 3_600_000,
      rate: 1,
      paused: false,
      hidden: false,
      tracks: [],
      goalMs: 0,
    })
  }

  async #rest(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#abort.signal }).catch(() => {})
  }

  #changed(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    const before = this.#wake
    return new Promise(resolve => {
      this.#wake = () => {
        before()
        resolve()
      }
    })
  }
}

/** In the order of the film, init segments before what needs them. */
function plan(feeds: readonly PlaylistFeed[]): { feed: PlaylistFeed; source: SegmentSource }[] {
  const seen = new Set<SegmentKey>()
  const entries: { feed: PlaylistFeed; source: SegmentSource; atMs: number }[] = []
  for (const feed of feeds) {
    for (const { source, init } of feed.items) {
      for (const each of init ? [init, source] : [source]) {
        if (seen.has(each.key)) continue
        seen.add(each.key)
        entries.push({ feed, source: each, atMs: source.startMs })
      }
    }
  }
  return entries.sort((a, b) => a.atMs - b.atMs)
}

/** A guess where the publisher does not say. */
function meanSize({ items }: PlaylistFeed): number {
  const known = items.flatMap(({ source }) => (source.size > 0 ? [source.size] : []))
  return known.length === 0 ? 0 : known.reduce((sum, size) => sum + size, 0) / known.length
}
