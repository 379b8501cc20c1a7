import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatSidecarEntry,
  formatSidecarHeader,
  parseSidecarEntries,
  parseSidecarHeader,
  parseSidecarPage,
  type SidecarEntry,
  sidecarPath,
  sidecarRange,
  sidecarUrl,
  sidecarWidth,
} from './digest-sidecar.ts'
import { digestOfInit } from './digest-table.ts'

const hashes = '../nearcast/hashes/{root}'
const hex = fc.stringMatching(/^[0-9a-f]{64}$/)
const entry: fc.Arbitrary<SidecarEntry> = fc
  .record({
    path: fc.stringMatching(/^[\w./%é ü漢-]{1,40}$/).map(sidecarPath),
    range: fc.option(fc.record({ from: fc.nat(), to: fc.nat() })),
    sequence: fc.integer({ min: -1, max: 999_999_999 }),
    size: fc.integer({ min: 1, max: 2 ** 40 }),
    root: fc.option(hex, { nil: '' }),
    timeMs: fc.nat(),
    signature: fc.constantFrom('', 'Zm9v-_'.repeat(14)),
  })
  .filter(({ path }) => path !== '')
  .map(value => (value.root === '' ? { ...value, size: 0 } : value))

function write(entries: readonly SidecarEntry[]): string {
  const width = sidecarWidth(entries, hashes)
  const header = formatSidecarHeader({ width, count: entries.length, hashes })
  return header + entries.map(each => formatSidecarEntry(each, width)).join('')
}

describe('a sidecar', () => {
  it('stands beside its playlist and keeps the query', () => {
    expect(sidecarUrl('https://a/b/c.m3u8?id=7#t=1')).toBe('https://a/b/c.m3u8.nearcast?id=7')
  })

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.array(entry), entries => {
        const text = write(entries)
        expect(parseSidecarHeader(text)).toMatchObject({ count: entries.length, hashes })
        expect(parseSidecarEntries(text)).toEqual(entries)
        expect(/^[\x20-\x7e\n]*$/.test(text)).toBe(true)
      }),
    )
  })

  it('gives any page by its byte range alone', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1 }),
        fc.nat(40),
        fc.integer({ min: 1, max: 9 }),
        (entries, first, count) => {
          const text = write(entries)
          const header = parseSidecarHeader(text)!
          const range = sidecarRange(header, first, count)
          if (first >= entries.length) {
            expect(range).toBeNull()
            return
          }
          expect(parseSidecarEntries(text.slice(range!.from, range!.to))).toEqual(
            entries.slice(first, first + count),
          )
        },
      ),
    )
  })

  it('keeps its width when digests become known later', () => {
    const bare: SidecarEntry = {
      path: 'a.ts',
      range: null,
      sequence: 0,
      size: 0,
      root: '',
      timeMs: 0,
      signature: '',
    }
    const full = { ...bare, size: 2 ** 40, root: 'f'.repeat(64), timeMs: 10 ** 9, signature: 'A'.repeat(86) }
    const width = sidecarWidth([bare], hashes)
    expect(formatSidecarEntry(full, width)).toHaveLength(width)
    expect(formatSidecarEntry(bare, width)).toHaveLength(width)
  })

  it('resolves what a page says like the tags do', () => {
    const root = 'ab'.repeat(32)
    const base = { range: null, timeMs: 0, signature: '', size: 5, root }
    const text = write([
      { ...base, path: 'init.mp4', sequence: -1, range: { from: 0, to: 5 } },
      { ...base, path: 'a.m4s', sequence: 7 },
      { ...base, path: 'b.m4s', sequence: 8, size: 0, root: '' },
    ])
    const url = 'https://cdn/vod/x/v.m3u8'
    const table = parseSidecarPage(text, parseSidecarHeader(text)!, url)
    const digest = { size: 5, root, hashesUrl: `https://cdn/vod/nearcast/hashes/${root}` }
    expect([...table.segments]).toEqual([[7, digest]])
    expect(digestOfInit(table, 'https://cdn/vod/x/init.mp4', { from: 0, to: 5 })).toEqual(digest)
  })

  it('of another kind or version, or with absurd numbers, is none', () => {
    for (const head of [
      '<!doctype html>',
      'nearcast-digests 2 width=288 count=1 hashes=',
      'nearcast-digests 1 width=5 count=1 hashes=',
      'nearcast-digests 1 width=288 count=1e99 hashes=',
      '',
    ])
      expect(parseSidecarHeader(head)).toBeNull()
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        parseSidecarHeader(text)
        parseSidecarPage(text, { width: 288, count: 1, hashes }, 'https://a/b.m3u8')
      }),
    )
  })
})
