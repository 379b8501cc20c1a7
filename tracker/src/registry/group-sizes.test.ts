import { expect, test } from 'vitest'
import { createLab } from './lab.ts'

test('group sizes count each peer once, by the group it counts itself to', () => {
  const lab = createLab()
  for (const [name, address] of [
    ['a', '198.51.100.1'],
    ['b', '198.51.100.1'],
    ['c', '198.51.100.1'],
    ['d', '203.0.113.9'],
  ] as const)
    lab.open(address).announce(name)
  const { peers, atMost } = lab.registry.groupSizes()
  expect(peers).toBe(4)
  expect(atMost.find(({ size }) => size === 1)?.peers).toBe(1)
  expect(atMost.find(({ size }) => size === 2)?.peers).toBe(1)
  expect(atMost.find(({ size }) => size === 4)?.peers).toBe(4)
  expect(atMost.at(-1)?.peers).toBe(4)
})
