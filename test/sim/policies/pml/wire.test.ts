import { expect, it } from 'vitest'
import { messageBytes } from './wire.ts'

it('pays a byte for each segment in the lists, every time', () => {
  const bytesOf = (held: number, fetching: number): number => {
    const keys = (count: number) => new Set(Array.from({ length: count }, (_, i) => `video/${i}`))
    return messageBytes({
      type: 'announce',
      track: 'video',
      list: { held: keys(held), fetching: keys(fetching) },
    })
  }
  expect(bytesOf(0, 0)).toBe(32)
  expect(bytesOf(100, 2)).toBe(134)
})
