import { expect, it } from 'vitest'
import { createStore } from './store.ts'
import { segmentOf } from './testing/view.ts'

const copyOf = (seq: number) => ({ segment: segmentOf(seq), edgeBytes: 300_000, peerBytes: 0 })

it('keeps of a live stream what was played in the last 15 s', () => {
  const store = createStore(Number.POSITIVE_INFINITY, true)
  for (let seq = 0; seq <= 10; seq++) store.put(copyOf(seq), 20_000)
  expect([...store.keys()]).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10].map(seq => `video/${seq}`))
})

it('drops of a recording the oldest played when the budget is spent, and never what lies ahead', () => {
  const store = createStore(900_000, false)
  for (let seq = 0; seq <= 5; seq++) store.put(copyOf(seq), 7_000)
  expect([...store.keys()]).toEqual([3, 4, 5].map(seq => `video/${seq}`))
  store.put(copyOf(6), 7_000)
  expect(store.has('video/3')).toBe(true)
})

it('is full when under a tenth is free', () => {
  const store = createStore(1_000_000, false)
  store.put(copyOf(0), 0)
  store.put(copyOf(1), 0)
  expect(store.isFull()).toBe(false)
  store.put(copyOf(2), 0)
  expect(store.isFull()).toBe(true)
})
