import { expect, test } from 'vitest'
import { Pieces } from './pieces.ts'

test('the largest piece grows with links that join pieces, and with no others', () => {
  const pieces = new Pieces(6)
  expect(pieces.largest()).toBe(1)
  pieces.link(0, 1)
  pieces.link(2, 3)
  pieces.link(3, 2)
  expect(pieces.largest()).toBe(2)
  pieces.link(1, 3)
  pieces.link(0, 2)
  expect(pieces.largest()).toBe(4)
})
