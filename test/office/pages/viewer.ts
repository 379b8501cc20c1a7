import Hls from 'hls.js'
import { createPlain } from './hlsjs.ts'
import { createPeerAssisted } from './nearcast.ts'
import { type Playhead, type Seek, type Stall, watchPlayhead } from './playhead.ts'
import { createDefault, createTuned } from './pml.ts'
import type { Subject, SubjectFactory, Surroundings } from './subject.ts'

/** One viewer under observation. All times are of the wall clock, which the whole lab shares, in ms. */

export const subjects = {
  nearcast: createPeerAssisted,
  hlsjs: createPlain,
  pml: createDefault,
  'pml-tuned': createTuned,
} satisfies Record<string, SubjectFactory>

export type SubjectName = keyof typeof subjects

/** A segment that the player asked for. */
export interface Watched {
  readonly path: string
  readonly askedAt: number
  /** 0: not there yet. */
  readonly bytes: number
  readonly gotAt: number
}

export interface ViewerReport {
  readonly startedAt: number
  readonly now: number
  readonly startMs: number
  readonly stalls: readonly Stall[]
  readonly seeks: readonly Seek[]
  readonly watched: readonly Watched[]
  /** Live latency in ms, a sample a second. */
  readonly latenciesMs: readonly number[]
  /** Of the picture, one sample a second. */
  readonly heights: readonly number[]
  readonly kbps: readonly number[]
  readonly links: number
  readonly bytes: ReturnType<Subject['bytes']>
  readonly lateMs: number
  readonly errors: readonly string[]
  readonly detail: unknown
}

const watched = new Map<string, { path: string; askedAt: number; bytes: number; gotAt: number }>()
const errors: string[] = []
const latenciesMs: number[] = []
const heights: number[] = []
const kbps: number[] = []
let subject: Subject
let video: HTMLVideoElement
let playhead: Playhead
let startedAt = 0

export function start(name: SubjectName, surroundings: Surroundings): void {
  video = document.createElement('video')
  video.muted = true
  document.body.append(video)
  const since = performance.now()
  startedAt = Date.now()
  subject = subjects[name](surroundings)
  const { hls } = subject
  const { Events } = Hls
  hls.on(Events.ERROR, (_, data) => errors.push(`${data.details}${data.fatal ? ' (fatal)' : ''}`))
  hls.on(Events.FRAG_LOADING, (_, { frag }) => {
    const path = new URL(frag.url).pathname
    if (!watched.has(path)) watched.set(path, { path, askedAt: Date.now(), bytes: 0, gotAt: 0 })
  })
  hls.on(Events.FRAG_LOADED, (_, { frag, payload }) => {
    const entry = watched.get(new URL(frag.url).pathname)
    if (entry?.bytes === 0) Object.assign(entry, { bytes: payload.byteLength, gotAt: Date.now() })
  })
  hls.on(Events.MANIFEST_PARSED, () => void video.play().catch(() => {}))
  hls.loadSource(surroundings.url)
  hls.attachMedia(video)
  let sampledAt = 0
  playhead = watchPlayhead(video, since, () => {
    const now = performance.now()
    if (now - sampledAt < 1000 || playhead.startMs() === 0) return
    sampledAt = now
    sample()
  })
}

function sample(): void {
  const { hls } = subject
  if (hls.latestLevelDetails?.live && hls.latency > 0) latenciesMs.push(Math.round(hls.latency * 1000))
  if (video.videoHeight > 0) {
    heights.push(video.videoHeight)
    const level = hls.levels.find(({ height }) => height === video.videoHeight)
    if (level) kbps.push(Math.round(level.averageBitrate / 1000))
  }
}

export async function report(): Promise<ViewerReport> {
  const now = Date.now()
  return {
    startedAt,
    now,
    startMs: Math.round(playhead.startMs()),
    stalls: playhead.stalls(),
    seeks: playhead.seeks(),
    watched: [...watched.values()],
    latenciesMs: [...latenciesMs],
    heights: [...heights],
    kbps: [...kbps],
    links: subject.links(),
    bytes: subject.bytes(),
    lateMs: Math.round(playhead.lateMs()),
    errors: [...errors],
    detail: await subject.detail(),
  }
}

export const seek = (toSeconds: number): void => playhead.seek(toSeconds)
