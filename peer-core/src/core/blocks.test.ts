import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Blocks, fromEdge } from './blocks.ts'
import { blockBytes } from './messages.ts'

describe('blocks', () => {
  it('are counted with a short last one', () => {
    const blocks = new Blocks(2 * blockBytes + 5)
    expect(blocks.count).toBe(3)
    expect([0, 1, 2].map(index => blocks.lengthOf(index))).toEqual([blockBytes, blockBytes, 5])
  })

  it('of a segment that fills them exactly have no empty last one', () => {
    const blocks = new Blocks(2 * blockBytes)
    expect(blocks.count).toBe(2)
    expect(blocks.lengthOf(1)).toBe(blockBytes)
  })

  it('come in any order while the size is unknown', () => {
    const blocks = new Blocks(0)
    blocks.receive(20, fromEdge)
    blocks.receive(0, fromEdge)
    expect(blocks.isWhole).toBe(false)
    expect(blocks.nextMissing(0)).toBe(1)
    blocks.setSize(21 * blockBytes)
    for (let index = 1; index < 20; index++) blocks.receive(index, 'peer')
    expect(blocks.isWhole).toBe(true)
  })

  it('beyond the end are forgotten when the size is learnt', () => {
    const blocks = new Blocks(0)
    for (let index = 0; index < 9; index++) blocks.receive(index, 'peer')
    blocks.setSize(3 * blockBytes - 1)
    expect(blocks.isWhole).toBe(true)
    expect(blocks.bytesBySource()).toEqual(new Map([['peer', 3 * blockBytes - 1]]))
  })

  it('are given by whoever gave them first', () => {
    const blocks = new Blocks(blockBytes)
    blocks.receive(0, 'first')
    blocks.receive(0, 'second')
    expect(blocks.sourceOf(0)).toBe('first')
  })

  it('are not verified before they are received', () => {
    const blocks = new Blocks(blockBytes)
    blocks.verify(0)
    expect(blocks.stateOf(0)).toBe('missing')
  })

  it('that were wrong are missing again, and nobody gave them', () => {
    const blocks = new Blocks(blockBytes)
    blocks.receive(0, 'liar')
    blocks.reset(0)
    expect(blocks.isEmpty).toBe(true)
    expect(blocks.sourceOf(0)).toBe(undefined)
    blocks.receive(0, fromEdge)
    expect(blocks.sourceOf(0)).toBe(fromEdge)
  })

  it('reach as far as they are here without a hole, and less far proven', () => {
    const blocks = new Blocks(4 * blockBytes - 100)
    for (const index of [0, 1, 3]) blocks.receive(index, fromEdge)
    blocks.verify(0)
    expect(blocks.reach(0, false)).toBe(2 * blockBytes)
    expect(blocks.reach(0, true)).toBe(blockBytes)
    expect(blocks.reach(3 * blockBytes, false)).toBe(4 * blockBytes - 100)
    expect(blocks.reach(2 * blockBytes, false)).toBe(2 * blockBytes)
  })

  it('can be doubted: here, but proven by nothing', () => {
    const blocks = new Blocks(2 * blockBytes)
    for (const index of [0, 1]) {
      blocks.receive(index, fromEdge)
      blocks.verify(index)
    }
    blocks.doubtAll()
    expect([blocks.isWhole, blocks.isVerified]).toEqual([true, false])
    blocks.verify(0)
    blocks.verify(1)
    expect(blocks.isVerified).toBe(true)
  })

  it('keep the same book as a plain list of states', () => {
    const step = fc.record({
      what: fc.constantFrom('receive' as const, 'verify' as const, 'reset' as const, 'doubt' as const),
      index: fc.nat(11),
    })
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: 1, max: 12 * blockBytes }), (steps, size) => {
        const blocks = new Blocks(size)
        const plain = Array.from({ length: blocks.count }, () => 'missing')
        for (const { what, index } of steps) {
          if (index >= blocks.count) continue
          if (what === 'receive') blocks.receive(index, fromEdge)
          else if (what === 'verify') blocks.verify(index)
          else if (what === 'reset') blocks.reset(index)
          else blocks.doubtAll()
          if (what === 'receive' && plain[index] === 'missing') plain[index] = 'received'
          if (what === 'verify' && plain[index] === 'received') plain[index] = 'verified'
          if (what === 'reset') plain[index] = 'missing'
          if (what === 'doubt')
            plain.splice(0, plain.length, ...plain.map(state => (state === 'verified' ? 'received' : state)))
        }
        expect(plain.map((_, index) => blocks.stateOf(index))).toEqual(plain)
        expect(blocks.isWhole).toBe(!plain.includes('missing'))
        expect(blocks.isVerified).toBe(plain.every(state => state === 'verified'))
        expect(blocks.isEmpty).toBe(plain.every(state => state === 'missing'))
        expect(blocks.nextMissing(0)).toBe(plain.indexOf('missing'))
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})
