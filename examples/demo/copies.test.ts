import { describe, expect, it } from 'vitest'
import { createCopyCounter } from './copies.ts'

const all = () => true

describe('copies of what the edge sent', () => {
  it('knows nothing before the first byte', () => {
    expect(createCopyCounter().copies(0, all)).toBeNull()
  })

  it('is one when each byte left once, in whatever pieces', () => {
    const counter = createCopyCounter()
    for (const [from, bytes] of [
      [500, 500],
      [0, 200],
      [200, 300],
    ] as const)
      counter.add({ path: '/0.ts', from, bytes, at: 0 })
    expect(counter.copies(0, all)).toBe(1)
  })

  it('counts what left twice', () => {
    const counter = createCopyCounter()
    counter.add({ path: '/0.ts', from: 0, bytes: 1000, at: 0 })
    counter.add({ path: '/0.ts', from: 500, bytes: 500, at: 0 })
    expect(counter.copies(0, all)).toBe(1.5)
  })

  it('keeps streams apart', () => {
    const counter = createCopyCounter()
    counter.add({ path: '/a/0.ts', from: 0, bytes: 10, at: 0 })
    for (let n = 0; n < 3; n++) counter.add({ path: '/b/0.ts', from: 0, bytes: 10, at: 0 })
    expect(counter.copies(0, path => path.startsWith('/a/'))).toBe(1)
    expect(counter.copies(0, path => path.startsWith('/b/'))).toBe(3)
  })

  it('forgets segments that nobody asked for in two minutes', () => {
    const counter = createCopyCounter()
    for (let n = 0; n < 3; n++) counter.add({ path: '/0.ts', from: 0, bytes: 10, at: 0 })
    counter.add({ path: '/9.ts', from: 0, bytes: 10, at: 130_000 })
    expect(counter.copies(130_000, all)).toBe(1)
  })
})
