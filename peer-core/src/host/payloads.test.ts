import { describe, expect, it } from 'vitest'
import { Payloads } from './payloads.ts'

const bytes = (value: number, length = 1000) => new Uint8Array(length).fill(value)

describe('the bytes in memory', () => {
  it('are forgotten beyond the budget when the store has them too, longest unused first', () => {
    const payloads = new Payloads(1500)
    for (const key of ['a', 'b']) {
      payloads.write(key, 0, bytes(1), 1000)
      payloads.back(key, payloads.view(key, 0, 1000)!)
    }
    expect(payloads.view('a', 0, 1000)).toBeUndefined()
    expect(payloads.view('b', 0, 1000)).toEqual(bytes(1))
  })

  it('are not taken for stored because others of the same segment were, before it was fetched again', () => {
    const payloads = new Payloads(500)
    payloads.write('a', 0, bytes(1), 1000)
    const stored = payloads.view('a', 0, 1000)!
    payloads.evict('a')
    payloads.write('a', 0, bytes(2, 100), 1000)
    payloads.back('a', stored)
    payloads.write('b', 0, bytes(3), 1000)
    payloads.back('b', payloads.view('b', 0, 1000)!)
    expect(payloads.view('a', 0, 100)).toEqual(bytes(2, 100))
  })
})
