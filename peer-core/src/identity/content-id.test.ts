import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentId } from './content-id.ts'
import { knownTokenParams } from './token-params.ts'

const base = 'https://cdn.example/live/master.m3u8'

describe('contentId', () => {
  it('keeps the parameter that names the video', () => {
    expect(contentId(`${base}?id=7`)).not.toBe(contentId(`${base}?id=8`))
    expect(contentId(`${base}?id=7`)).toBe(`${base}?id=7`)
  })

  it('drops fragment, credentials and tokens', () => {
    expect(contentId('https://me:secret@cdn.example/a.m3u8?Policy=x&id=7&X-Amz-Date=1&CMCD=br%3D1#t=3')).toBe(
      'https://cdn.example/a.m3u8?id=7',
    )
  })

  it('takes a short-named Azure parameter for a token only beside its signature', () => {
    expect(contentId(`${base}?se=5&id=7`)).toBe(`${base}?id=7&se=5`)
    expect(contentId(`${base}?sv=2024&se=5&sig=abc&id=7`)).toBe(`${base}?id=7`)
  })

  it('drops what the site owner calls a token, whatever the case', () => {
    expect(contentId(`${base}?Viewer=9&id=7`, ['viewer'])).toBe(`${base}?id=7`)
  })

  it('names nothing for a manifest that only this page can read', () => {
    for (const url of ['blob:https://a.example/1', 'data:application/x-mpegurl,a', 'relative.m3u8', '']) {
      expect(contentId(url)).toBeNull()
    }
  })

  const name = fc
    .stringMatching(/^[a-z]{1,8}$/)
    .filter(word => !knownTokenParams.includes(word) && word !== 'sv')
  const params = fc.uniqueArray(fc.tuple(name, fc.stringMatching(/^[a-zA-Z0-9%20._-]{0,6}$/)), {
    selector: pair => pair[0],
  })
  const query = (pairs: readonly (readonly string[])[]) => pairs.map(pair => pair.join('=')).join('&')

  it('is the same for every token, value and order (property)', () => {
    const tokens = fc.array(
      fc.tuple(fc.constantFrom(...knownTokenParams), fc.stringMatching(/^[a-z0-9]{1,12}$/)),
    )
    fc.assert(
      fc.property(params, tokens, fc.integer(), (own, added, seed) => {
        const mixed = [...own, ...added].map((pair, i) => ({ pair, rank: Math.imul(i + 1, seed | 1) }))
        mixed.sort((a, b) => a.rank - b.rank)
        expect(contentId(`${base}?${query(mixed.map(({ pair }) => pair))}`)).toBe(
          contentId(`${base}?${query(own)}`),
        )
      }),
    )
  })

  it('changes nothing the second time (property)', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ withQueryParameters: true, withFragments: true, validSchemes: ['http', 'https'] }),
        url => {
          const once = contentId(url)
          expect(once).not.toBeNull()
          expect(contentId(once ?? '')).toBe(once)
        },
      ),
    )
  })

  it('differs when any other parameter differs (property)', () => {
    fc.assert(
      fc.property(params, params, (a, b) => {
        const same = query([...a].sort()) === query([...b].sort())
        expect(contentId(`${base}?${query(a)}`) === contentId(`${base}?${query(b)}`)).toBe(same)
      }),
    )
  })
})
