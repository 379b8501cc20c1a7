import { describe, expect, it } from 'vitest'
import { createLoadStats } from './load-stats.ts'

describe('createLoadStats', () => {
  it('is complete from construction, as hls.js takes it before the load', () => {
    const { value } = createLoadStats(() => 5)
    expect(value).toEqual({
      aborted: false,
      loaded: 0,
      retry: 0,
      total: 0,
      chunkCount: 0,
      bwEstimate: 0,
      loading: { start: 0, first: 0, end: 0 },
      parsing: { start: 0, end: 0 },
      buffering: { start: 0, first: 0, end: 0 },
    })
  })

  it('reads its start as now while waiting, so the abandon rule sees no time pass', () => {
    let now = 1000
    const stats = createLoadStats(() => now)
    const { loading } = stats.value
    stats.wait()
    expect(loading.start).toBe(1000)
    now = 9000
    expect(loading.start).toBe(9000)
    expect(JSON.parse(JSON.stringify(loading))).toEqual({ start: 9000, first: 0, end: 0 })
    stats.firstByte(9000, 30)
    now = 12_000
    expect(loading.start).toBe(8970)
    expect(loading.first).toBe(9000)
  })

  it('keeps total at 0 while the size is unknown', () => {
    const stats = createLoadStats(() => 0)
    stats.progress(500, 0)
    expect(stats.value).toMatchObject({ loaded: 500, total: 0 })
    stats.finish(900, { start: 1, first: 2, end: 3 })
    expect(stats.value).toMatchObject({ loaded: 900, total: 900, loading: { start: 1, first: 2, end: 3 } })
  })

  it('lets others write to it, as hls.js does', () => {
    const { value, wait } = createLoadStats(() => 7)
    wait()
    value.loading.start = 3
    value.parsing.end = 9
    expect(value.loading.start).toBe(3)
    expect(value.parsing.end).toBe(9)
  })

  it('takes as long as was said, however long its bytes wait to be parsed', () => {
    const stats = createLoadStats(() => 0)
    stats.finish(900, { start: 100, first: 120, end: 200 })
    const { loading, parsing } = stats.value
    parsing.start = 210
    parsing.end = 350
    expect(parsing).toEqual({ start: 210, end: 350 })
    expect(loading).toEqual({ start: 250, first: 270, end: 350 })
    parsing.end = 340
    expect(loading).toEqual({ start: 250, first: 270, end: 350 })
    expect(JSON.parse(JSON.stringify(stats.value)).parsing).toEqual({ start: 210, end: 340 })
  })

  it("shows another loader's numbers, both ways, in the same object", () => {
    const stats = createLoadStats(() => 7)
    stats.value.retry = 2
    const other = createLoadStats(() => 7).value
    stats.mirror(other)
    expect(other.retry).toBe(2)
    other.loaded = 44
    other.loading.first = 12
    expect(stats.value.loaded).toBe(44)
    expect(stats.value.loading).toBe(other.loading)
    stats.value.aborted = true
    expect(other.aborted).toBe(true)
  })
})
