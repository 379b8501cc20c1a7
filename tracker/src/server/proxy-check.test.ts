import { expect, test } from 'vitest'
import { parseAddress } from '../address/address.ts'
import { createProxyCheck } from './proxy-check.ts'

function warnings(connections: readonly (readonly [address: string, forwarded: boolean])[]): number {
  let count = 0
  const check = createProxyCheck(() => count++)
  for (const [text, forwarded] of connections) check(parseAddress(text) ?? expect.unreachable(), forwarded)
  return count
}

test('warns once when all viewers seem to come from one private address', () => {
  expect(warnings(Array(50).fill(['10.0.0.1', false]))).toBe(1)
  expect(warnings(Array(3).fill(['10.0.0.1', true]))).toBe(1)
})

test('keeps quiet about offices, the public internet and a developer’s own machine', () => {
  expect(
    warnings([
      ...Array(10).fill(['10.0.0.1', false]),
      ['10.0.0.2', false],
      ...Array(50).fill(['10.0.0.1', false]),
    ]),
  ).toBe(0)
  expect(warnings(Array(50).fill(['192.0.2.1', false]))).toBe(0)
  expect(warnings(Array(50).fill(['127.0.0.1', false]))).toBe(0)
})
