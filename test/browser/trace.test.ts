import { replayTrace } from '@nearcast/peer-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openStage, type Stage, until } from './stage.ts'

declare const viewer: typeof import('./pages/viewer.ts')

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.close())

it('replays a session recorded in Chromium to the same outputs, byte for byte', async () => {
  const viewers = [await stage.viewer(), await stage.viewer()]
  for (const one of viewers) {
    await one.start({
      url: stage.url('live-fmp4'),
      nearcast: { tracker: stage.demo.announce, trace: true },
    })
  }
  for (const one of viewers) {
    let trace = ''
    await until(
      async () => {
        trace = await one.page.evaluate(() => viewer.trace())
        return trace.includes('"type":"piece"') && trace.split('\n').length > 1000
      },
      60_000,
      () => `a piece in ${trace.split('\n').length} lines`,
    )
    const result = replayTrace(trace)
    expect(result).toMatchObject({ ok: true })
    if (!result.ok) return
    console.log(`${result.inputs} inputs, ${result.outputs} outputs, ${trace.length} characters`)
    expect(result.inputs).toBeGreaterThan(100)
    expect(result.outputs).toBeGreaterThan(100)
    expect(trace).toContain('"type":"peerJoined"')
    expect(trace).toContain('"type":"piece"')
    // It would notice: one input left out, and the outputs differ.
    const lines = trace.split('\n')
    const wanted = lines.findIndex(line => line.includes('"i":{"type":"want"'))
    const cut = [...lines.slice(0, wanted), ...lines.slice(wanted + 1)].join('\n')
    expect(replayTrace(cut).ok).toBe(false)
  }
})
