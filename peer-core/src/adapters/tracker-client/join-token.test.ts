import { expect, test } from 'vitest'
import { JoinToken } from './join-token.ts'

const expiring = (seconds: number) => `h.${btoa(JSON.stringify({ exp: seconds })).replaceAll('=', '')}.s`

test('is fetched once for all that ask at the same time, and kept while it counts', async () => {
  let now = 0
  let asked = 0
  const token = new JoinToken(
    async () => expiring(100 * ++asked),
    () => now,
  )
  await Promise.all([token.prepare(), token.prepare()])
  expect([asked, token.current, token.freshForMs()]).toEqual([1, expiring(100), 70_000])
  now = 69_000
  await token.prepare()
  expect(asked).toBe(1)
  now = 70_000
  await token.prepare()
  expect([asked, token.current]).toEqual([2, expiring(200)])
})

test('that was refused is replaced, unless it was replaced already', async () => {
  let asked = 0
  const token = new JoinToken(() => `t${++asked}`)
  await token.prepare()
  token.discard('t1')
  await token.prepare()
  token.discard('t1')
  await token.prepare()
  expect(token.current).toBe('t2')
})

test('is kept when no other can be had', async () => {
  let now = 0
  let fails = false
  const token = new JoinToken(
    () => {
      if (fails) throw new Error('offline')
      return expiring(60)
    },
    () => now,
  )
  await token.prepare()
  fails = true
  now = 50_000
  await token.prepare()
  expect(token.current).toBe(expiring(60))
})

test('of a fixed text stays, whatever anybody says of it', async () => {
  const token = new JoinToken('fixed')
  token.discard('fixed')
  await token.prepare()
  expect([token.current, token.isRenewable, token.freshForMs()]).toEqual(['fixed', false, Infinity])
})
