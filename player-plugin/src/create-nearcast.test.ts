import type HlsClass from 'hls.js'
import type { HlsConfig } from 'hls.js'
import { describe, expect, it } from 'vitest'
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
