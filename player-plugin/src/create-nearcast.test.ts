import {
  formatSidecarEntry,
  formatSidecarHeader,
  type SegmentSource,
  type Swarm,
  sidecarWidth,
} from '@nearcast/peer-core'
import type HlsClass from 'hls.js'
import type { HlsConfig } from 'hls.js'
import { describe, expect, it } from 'vitest'
import { createNearcast as createSession } from './create-nearcast.ts'
import type { DetailsLike, HlsLike } from './hls/hls-like.ts'
import { createNearcast } from './index.ts'

describe('createNearcast without a browser', () => {
  it('does nothing and throws nothing, whatever is called', async () => {
    const before = process.getActiveResourcesInfo()
    const nearcast = createNearcast({
      tracker: 'wss://tracker.example',
      manifest: 'https://a.example/live.m3u8',
      consent: () => {
        throw new Error('asked on a server')
      },
    })
    const heard: string[] = []
    nearcast.on('warning', ({ reason }) => heard.push(reason))
    nearcast.on('state', ({ type }) => heard.push(type))
    expect(nearcast.snapshot()).toMatchObject({
      state: { type: 'idle' },
      swarm: null,
      p2pShare: 0,
      copies: 0,
    })
    expect(nearcast.hlsConfig().progressive).toBe(false)
    nearcast.setMode('leech')
    expect((await nearcast.diagnose()).verdict).toBe('no-player')
    expect(nearcast.trace()).toBe('')
    expect(heard).toEqual([])
    await nearcast.destroy()
    await nearcast.destroy()
    expect(process.getActiveResourcesInfo()).toEqual(before)
  })

  it('gives hls.js a configuration that its types accept', () => {
    const nearcast = createNearcast({ tracker: '' })
    const config: Partial<HlsConfig> = { maxBufferLength: 30, ...nearcast.hlsConfig() }
    expect(config.fLoader).toBeTypeOf('function')
    const attach = (hls: HlsClass): HlsClass => nearcast.attach(hls)
    expect(attach).toBeTypeOf('function')
  })
})

const playlistUrl = 'https://a.example/film/video.m3u8'
const root = 'ab'.repeat(32)

/** A page of digests beside the playlist, for a film of two segments. */
function sidecarText(): string {
  const entries = [0, 1].map(sequence => {
    return { path: `${sequence}.ts`, range: null, sequence, size: 1000, root, timeMs: 0, signature: '' }
  })
  const width = sidecarWidth(entries, '/h/{root}')
  const header = formatSidecarHeader({ width, count: entries.length, hashes: '/h/{root}' })
  return header + entries.map(entry => formatSidecarEntry(entry, width)).join('')
}

/** As much of a player as a film needs that is only listed. */
function filmPlayer(reads: string[]) {
  const listeners = new Map<string, Set<(event: never, data: never) => void>>()
  const loads: string[] = []
  const text = new TextEncoder().encode(sidecarText())
  class Loader {
    load(context: { url: string }, _: unknown, callbacks: { onSuccess(response: object): void }): void {
      reads.push(context.url)
      queueMicrotask(() => callbacks.onSuccess({ data: text.slice().buffer, code: 200 }))
    }
    destroy(): void {}
  }
  const hls = {
    config: {
      loader: Loader,
      progressive: true,
      maxBufferLength: 30,
      maxMaxBufferLength: 600,
      maxBufferSize: 0,
    },
    media: null,
    levels: [],
    loadLevel: 0,
    url: null,
    bandwidthEstimate: 1e6,
    ttfbEstimate: 100,
    autoLevelCapping: -1,
    started: true,
    stopLoad: () => void loads.push('stop'),
    startLoad: (position: number) => void loads.push(`start ${position}`),
    on: (event: string, listener: (event: never, data: never) => void) =>
      void listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)),
    off: (event: string, listener: (event: never, data: never) => void) =>
      void listeners.get(event)?.delete(listener),
  }
  const fragments = [0, 1].map(sn => {
    const url = `https://a.example/film/${sn}.ts`
    return { sn, cc: 0, type: 'main', start: sn * 2, duration: 2, url, baseurl: playlistUrl, byteRange: [] }
  })
  const m3u8 = '#EXTM3U\n#EXT-X-NEARCAST:VERSION=1,HASHES="/h/{root}"\n#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n'
  const details = { url: playlistUrl, live: false, targetduration: 2, m3u8, fragments }
  return {
    hls: hls as unknown as HlsLike & { started: boolean },
    loads,
    /** The player is told to load the film, and reads its playlist. */
    load() {
      const emit = (event: string, data: unknown) => {
        for (const listener of listeners.get(event) ?? []) listener(event as never, data as never)
      }
      emit('hlsManifestLoading', { url: 'https://a.example/film/main.m3u8' })
      emit('hlsLevelUpdated', { details: details as unknown as DetailsLike })
    },
    end: () => {
      for (const listener of listeners.get('hlsDestroying') ?? [])
        listener(undefined as never, undefined as never)
    },
  }
}

describe('a player that existed before', () => {
  const attached = () => {
    const nearcast = createSession({ tracker: '' })
    const player = filmPlayer([])
    nearcast.attach(player.hls)
    return { nearcast, ...player }
  }

  it('gets its loader and its way of loading back, and loads anew in that way', async () => {
    const { nearcast, hls, loads } = attached()
    expect(hls.config).toMatchObject({ progressive: false, fLoader: expect.any(Function) })
    await nearcast.destroy()
    expect(hls.config).toMatchObject({ progressive: true, fLoader: undefined })
    expect(loads).toEqual(['stop', 'start -1'])
  })

  it('is not started when it stood still, or went away itself', async () => {
    const still = attached()
    still.hls.started = false
    await still.nearcast.destroy()
    expect(still.hls.config.progressive).toBe(true)
    expect(still.loads).toEqual([])

    const gone = attached()
    gone.end()
    await gone.nearcast.destroy()
    expect(gone.hls.config.progressive).toBe(true)
    expect(gone.loads).toEqual([])
  })

  it('goes on undisturbed where it never loaded progressively', async () => {
    const nearcast = createSession({ tracker: '' })
    const { hls, loads } = filmPlayer([])
    hls.config.progressive = false
    nearcast.attach(hls)
    await nearcast.destroy()
    expect(hls.config).toMatchObject({ progressive: false, fLoader: undefined })
    expect(loads).toEqual([])
  })
})

describe('digests beside a playlist', () => {
  async function session() {
    const windows: (readonly SegmentSource[])[] = []
    const swarm = {
      setWindow: (_track: string, _live: boolean, entries: readonly SegmentSource[]) => windows.push(entries),
      setPosition: () => {},
      snapshot: () => ({ policy: { mode: 'share', lineKbps: 0 } }),
      on: () => () => {},
    }
    const environment = () => ({ webrtc: true, phone: false, metered: false, secureContext: true })
    const startSwarm = async () => {
      return { swarm: swarm as unknown as Swarm, stun: () => false, close: async () => {} }
    }
    const nearcast = createSession({ tracker: 'wss://tracker.example' }, { environment, startSwarm })
    const settled = () => new Promise(resolve => setTimeout(resolve, 10))
    return { nearcast, windows, settled }
  }

  it('are given again when the player loads the same manifest again', async () => {
    const { nearcast, windows, settled } = await session()
    const player = filmPlayer([])
    nearcast.attach(player.hls)
    player.load()
    await settled()
    expect(windows.at(-1)?.map(source => source.root)).toEqual([root, root])
    player.load()
    await settled()
    expect(windows.at(-1)?.map(source => source.root)).toEqual([root, root])
    await nearcast.destroy()
  })

  it('are given again to the player that follows on the same page', async () => {
    const { nearcast, windows, settled } = await session()
    const first = filmPlayer([])
    nearcast.attach(first.hls)
    first.load()
    await settled()
    first.end()
    const reads: string[] = []
    const second = filmPlayer(reads)
    nearcast.attach(second.hls)
    second.load()
    await settled()
    expect(reads.length).toBeGreaterThan(0)
    expect(windows.at(-1)?.map(source => source.root)).toEqual([root, root])
    await nearcast.destroy()
  })
})
