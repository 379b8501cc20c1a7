import { expect, it } from 'vitest'
import { countingRules, kinds, minus, parseCounters, peerPayload, totalBytes } from './counter.ts'

const printed = (bytes: number) =>
  JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      ...kinds.flatMap((kind, i) =>
        ['down', 'up'].map(way => ({
          counter: { family: 'ip', name: `${kind}_${way}`, table: 'office', packets: i, bytes: bytes + i },
        })),
      ),
    ],
  })

it('reads what nft prints, and knows the difference between two readings', () => {
  const early = parseCounters(printed(100))
  expect(early.down.peers).toEqual({ bytes: 103, packets: 3 })
  const difference = minus(parseCounters(printed(500)), early)
  expect(difference.up.edge).toEqual({ bytes: 400, packets: 0 })
  expect(totalBytes(difference)).toBe(400 * kinds.length * 2)
})

it('has a counter and a rule for each kind and way', () => {
  const rules = countingRules()
  for (const kind of kinds)
    for (const way of ['down', 'up']) {
      expect(rules).toContain(`counter ${kind}_${way} { }`)
      expect(rules).toContain(`counter name ${kind}_${way}`)
    }
})

it('takes packets without payload for none', () => {
  expect(peerPayload({ bytes: 50 * 40, packets: 50 })).toBe(0)
})
