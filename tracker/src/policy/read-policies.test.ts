import { describe, expect, test } from 'vitest'
import { rolloutPlace } from './policy-rule.ts'
import { infoHashOf, readPolicies, writeRule } from './read-policies.ts'

const problems = (text: string) => {
  const read = readPolicies(text)
  return read.ok ? [] : read.problems.map(({ rule, message }) => `${rule}: ${message}`)
}

describe('a file of policies', () => {
  test('is read, and what is written is read as the same', () => {
    const read = readPolicies(
      JSON.stringify({
        rules: [
          { mode: 'off' },
          { site: 'hq', uploadKbps: 500, maxPeers: 8, integrity: 'required', wan: 'deny' },
          { content: 'https://video.example/live/main.m3u8?token=x#t=3', rollout: 12.5 },
        ],
      }),
    )
    if (!read.ok) throw new Error(JSON.stringify(read.problems))
    expect(read.rules[0]).toEqual({ policy: { mode: 'off' } })
    expect(read.rules[2]).toEqual({
      content: infoHashOf('https://video.example/live/main.m3u8'),
      rollout: 12.5,
      policy: {},
    })
    expect(readPolicies(JSON.stringify({ rules: read.rules.map(writeRule) }))).toEqual(read)
  })

  test('names a content as the players do: nearcast/1, a space, and the content id, hashed', () => {
    // printf 'nearcast/1 https://video.example/live/main.m3u8' | sha256sum | cut -c1-40
    const hash = 'af3e3ad3f7a8e741292c394b244651fd4ce9b818'
    expect(infoHashOf('https://video.example/live/main.m3u8')).toBe(hash)
    expect(infoHashOf(hash.toUpperCase())).toBe(hash)
    expect(infoHashOf('town hall 2026')).toMatch(/^[0-9a-f]{40}$/)
  })

  test('is refused as a whole, with every mistake named', () => {
    const text = JSON.stringify({
      rules: [
        { site: 'hq', mode: 'on' },
        { site: 'b' },
        { site: 'c', upload: 3 },
        { site: 'd', mode: 'off' },
        { site: 'd', mode: 'leech' },
        { rollout: 101 },
        { content: '', mode: 'off' },
        { site: 'e', uploadKbps: -1, integrity: 'yes' },
        7,
      ],
    })
    expect(problems(text)).toEqual([
      '1: "mode" is none of share, leech, off',
      '2: decides nothing',
      expect.stringContaining('3: "upload" is unknown'),
      '5: has the same scope as rule 4',
      '6: "rollout" is no percentage from 0 to 100',
      '7: "content" is no text of 1 to 2048 characters',
      '8: "uploadKbps" is no whole number from 0 to 1000000000',
      '8: "integrity" is none of required, prefer, audit, off',
      '9: is no object',
    ])
    expect(problems('{"rules": [')[0]).toMatch(/^0: not JSON/)
    expect(problems('[]')[0]).toContain('needs the form')
    expect(problems('{"rules": [], "mode": "off"}')[0]).toContain('"mode" is unknown')
  })
})

describe('a place in a rollout', () => {
  test('stays, spreads evenly, and is another in each content', () => {
    const places = Array.from({ length: 10_000 }, (_, i) => rolloutPlace('f'.repeat(20), `-NC0001-${i}`))
    expect(rolloutPlace('f'.repeat(20), '-NC0001-7')).toBe(places[7])
    for (const percent of [1, 10, 50, 90]) {
      const share = places.filter(place => place < percent).length / 100
      expect(Math.abs(share - percent)).toBeLessThan(1.5)
    }
    const elsewhere = places.filter((_, i) => rolloutPlace('g'.repeat(20), `-NC0001-${i}`) < 50)
    const both = elsewhere.filter(place => place < 50).length / elsewhere.length
    expect(Math.abs(both - 0.5)).toBeLessThan(0.03)
  })
})
