import { formatSidecarEntry, formatSidecarHeader, type SidecarEntry, sidecarWidth } from '@nearcast/peer-core'
import { describe, expect, it } from 'vitest'
import { createSidecar } from './sidecar.ts'

function file(inits: number, media: number, firstSeq = 0): string {
  const entry = (i: number): SidecarEntry => ({
    path: i < inits ? `init${i}.mp4` : `s${i - inits}.m4s`,
    range: null,
    sequence: i < inits ? -1 : firstSeq + i - inits,
    size: 1000 + i,
    root: i.toString(16).padStart(64, '0'),
    timeMs: 0,
    signature: '',
  })
  const entries = Array.from({ length: inits + media }, (_, i) => entry(i))
  const width = sidecarWidth(entries, '/h/{root}')
  const header = formatSidecarHeader({ width, count: entries.length, hashes: '/h/{root}' })
  return header + entries.map(one => formatSidecarEntry(one, width)).join('')
}

function reader(text: string) {
  const reads: (readonly [number, number])[] = []
  const read = async (from: number, to: number) => {
    reads.push([from, to])
    return text.slice(from, to)
  }
  return { read, reads, sidecar: createSidecar('https://a.example/v/p.m3u8', read) }
}

describe('createSidecar', () => {
  it('reads the head and the pages that playback needs, each once', async () => {
    const { sidecar, reads } = reader(file(1, 1000, 50))
    const table = await sidecar.around(50 + 700)
    expect(table?.segments.get(750)?.size).toBe(1000 + 701)
    expect(table?.segments.get(766)?.size).toBe(1000 + 717)
    expect(table?.inits.size).toBe(1)
    expect(table?.segments.get(750)?.hashesUrl).toBe(
      `https://a.example/h/${(701).toString(16).padStart(64, '0')}`,
    )
    expect(reads.length).toBe(4)
    expect(await sidecar.around(751)).toBeNull()
    expect(reads.length).toBe(4)
  })

  it('finds the segments behind more init segments than the head holds', async () => {
    const { sidecar } = reader(file(150, 300))
    expect((await sidecar.around(299))?.segments.get(299)?.size).toBe(1000 + 449)
  })

  it('covers every segment, whatever the order of asking', async () => {
    const { sidecar } = reader(file(2, 200))
    const seen = new Set<number>()
    for (const seq of [199, 0, 63, 150, 100, 61, 62]) {
      for (const key of (await sidecar.around(seq))?.segments.keys() ?? []) seen.add(key)
    }
    expect(seen.size).toBe(200)
  })

  it('takes the absence of the file for no digests, and asks once', async () => {
    let asked = 0
    const sidecar = createSidecar('https://a.example/v/p.m3u8', async () => {
      asked++
      return null
    })
    expect(await sidecar.around(0)).toBeNull()
    expect(await sidecar.around(9)).toBeNull()
    expect(asked).toBe(1)
  })

  it('takes a page of HTML for no digests', async () => {
    expect(
      await createSidecar('https://a.example/p.m3u8', async () => '<!doctype html>').around(0),
    ).toBeNull()
  })
})
