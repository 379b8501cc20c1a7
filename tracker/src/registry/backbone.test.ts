import { array, assert, constant, constantFrom, integer, oneof, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Backbone } from './backbone.ts'

function grown(count: number, slots: (i: number) => number | null = () => null): Backbone<number> {
  const backbone = new Backbone<number>()
  for (let i = 0; i < count; i++) backbone.add(i, slots(i))
  return backbone
}

function hopsOf(backbone: Backbone<number>, count: number): number[] {
  return Array.from({ length: count }, (_, i) => backbone.standing(i)?.hops ?? Number.NaN)
}

function firstParent(backbone: Backbone<number>, peer: number): number {
  const [parent] = backbone.standing(peer)?.links ?? []
  if (parent === undefined) throw new Error(`${peer} has no parent`)
  return parent
}

describe('Backbone', () => {
  it('makes the first twelve fetchers, meshed with each other', () => {
    const backbone = grown(30)
    expect(backbone.standing(0)).toEqual({
      role: 'fetcher',
      hops: 0,
      links: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    })
    expect(backbone.standing(12)).toMatchObject({ role: 'member', hops: 1 })
    expect(backbone.standing(12)?.links).toHaveLength(2)
  })

  it('reaches 588 peers within two hops and 2,988 within three', () => {
    const backbone = grown(2988)
    const hops = hopsOf(backbone, 2988)
    expect(hops.filter(h => h <= 1)).toHaveLength(12 + 96)
    expect(hops.filter(h => h <= 2)).toHaveLength(588)
    expect(Math.max(...hops)).toBe(3)
  })

  it('replaces a fetcher at once, by the best uplink beside the others', () => {
    const backbone = grown(40, i => (i === 20 ? 16 : null))
    backbone.takeChanged()
    const { epoch } = backbone
    backbone.remove(3)
    expect(backbone.standing(20)).toMatchObject({ role: 'fetcher', hops: 0 })
    expect(backbone.epoch).toBeGreaterThan(epoch)
    expect(backbone.takeChanged()).toContain(20)
    for (let i = 0; i < 40; i++) expect(backbone.standing(i)?.links ?? []).not.toContain(3)
  })

  it('gives the children of one that leaves another parent, and says whose', () => {
    const backbone = grown(60)
    const parent = firstParent(backbone, 50)
    backbone.takeChanged()
    backbone.remove(parent)
    expect(backbone.takeChanged()).toContain(50)
    expect(backbone.standing(50)?.links).toHaveLength(2)
    expect(backbone.standing(50)?.links).not.toContain(parent)
  })

  it('stays shallow, with two parents for everybody, while a fifth of a thousand leaves', () => {
    const backbone = grown(1000)
    const here = Array.from({ length: 1000 }, (_, i) => i)
    for (let seed = 1; here.length > 800; ) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      backbone.remove(here.splice(seed % here.length, 1)[0] ?? -1)
      for (const peer of here) {
        const standing = backbone.standing(peer)
        if (standing?.role === 'member') expect(standing.links).toHaveLength(2)
      }
    }
    expect(Math.max(...here.map(peer => backbone.standing(peer)?.hops ?? Infinity))).toBeLessThanOrEqual(4)
  })

  it('leaves a pair that could not be linked apart', () => {
    const backbone = grown(40)
    const parent = firstParent(backbone, 30)
    backbone.refuse(30, parent)
    expect(backbone.standing(30)?.links).not.toContain(parent)
    expect(backbone.standing(30)?.links).toHaveLength(2)
  })

  it('hangs nobody below a peer that only takes or whose uplink is thin', () => {
    const backbone = grown(100, i => (i % 2 === 0 ? 0 : null))
    for (let i = 0; i < 100; i++)
      for (const link of backbone.standing(i)?.links ?? []) expect(link % 2).toBe(1)
  })

  it('moves children away from an uplink that turns out to be thin', () => {
    const backbone = grown(60)
    const parent = firstParent(backbone, 50)
    backbone.setSlots(parent, 0)
    for (let i = 0; i < 60; i++) {
      const standing = backbone.standing(i)
      if (standing?.role === 'member') expect(standing.links).not.toContain(parent)
    }
    expect(backbone.standing(parent)?.role).toBe('member')
  })

  it('keeps every law whatever happens, in whatever order (property)', () => {
    const peer = integer({ min: 0, max: 60 })
    const step = oneof(
      record({ do: constant('add' as const), peer, slots: constantFrom<number | null>(null, 0, 2, 6, 16) }),
      record({ do: constant('remove' as const), peer }),
      record({ do: constant('slots' as const), peer, slots: constantFrom<number | null>(null, 0, 2, 6, 16) }),
      record({ do: constant('refuse' as const), peer, other: peer }),
    )
    assert(
      property(array(step, { minLength: 50, maxLength: 250 }), steps => {
        const backbone = new Backbone<number>({ fetchers: 4, assumedSlots: 4, mostSlots: 8 })
        const here = new Set<number>()
        for (const one of steps) {
          if (one.do === 'add') {
            backbone.add(one.peer, one.slots)
            here.add(one.peer)
          } else if (one.do === 'remove') {
            backbone.remove(one.peer)
            here.delete(one.peer)
          } else if (one.do === 'slots') backbone.setSlots(one.peer, one.slots)
          else if (one.peer !== one.other) backbone.refuse(one.peer, one.other)
          expect(backbone.size).toBe(here.size)
        }
        const children = new Map<number, number>()
        for (const one of here) {
          const standing = backbone.standing(one)!
          expect(new Set(standing.links).size).toBe(standing.links.length)
          if (standing.role === 'fetcher') {
            expect(standing.hops).toBe(0)
            continue
          }
          expect(standing.links.length).toBeLessThanOrEqual(2)
          for (const parent of standing.links) {
            expect(here.has(parent)).toBe(true)
            expect(backbone.standing(parent)!.hops).toBeLessThan(standing.hops)
            children.set(parent, (children.get(parent) ?? 0) + 1)
          }
        }
        for (const count of children.values()) expect(count).toBeLessThanOrEqual(8)
        for (const changed of backbone.takeChanged()) expect(here.has(changed)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
