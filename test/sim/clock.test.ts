import { expect, it } from 'vitest'
import { createClock } from './clock.ts'
import { createDice } from './random.ts'

it('runs events in order of time, and of asking when times are equal', () => {
  const clock = createClock()
  const seen: string[] = []
  clock.at(20, () => seen.push('late'))
  clock.at(10, () => seen.push('first'))
  clock.at(10, () => seen.push('second'))
  clock.runUntil(15)
  expect(seen).toEqual(['first', 'second'])
  expect(clock.now()).toBe(15)
  clock.runUntil(20)
  expect(seen).toEqual(['first', 'second', 'late'])
})

it('holds its order with thousands of events', () => {
  const clock = createClock()
  const dice = createDice(7)
  const times: number[] = []
  for (let i = 0; i < 5_000; i++) clock.at(dice.below(1_000), () => times.push(clock.now()))
  clock.runUntil(1_000)
  expect(times).toHaveLength(5_000)
  expect(times).toEqual([...times].sort((a, b) => a - b))
})

it('holds its order over pages, beyond them, and across stops in between', () => {
  const clock = createClock()
  const dice = createDice(3)
  const asked: { time: number; order: number }[] = []
  const seen: { time: number; order: number }[] = []
  const ask = (time: number): void => {
    const event = { time, order: asked.length }
    asked.push(event)
    clock.at(time, () => {
      expect(clock.now()).toBe(time)
      seen.push(event)
      if (seen.length < 3_000 && dice.chance(0.5)) ask(time + dice.between(0, 9_000))
    })
  }
  for (let i = 0; i < 2_000; i++) ask(dice.chance(0.5) ? dice.below(20) * 1_000.5 : dice.between(0, 30_000))
  for (let until = 0; until < 60_000; until += dice.between(0, 700)) clock.runUntil(until)
  clock.runUntil(100_000)
  expect(seen).toEqual([...asked].sort((a, b) => a.time - b.time || a.order - b.order))
})

it('never runs what was cancelled, and takes the past for now', () => {
  const clock = createClock()
  const seen: string[] = []
  clock.runUntil(100)
  clock.at(50, () => seen.push(`past at ${clock.now()}`))
  clock.at(110, () => seen.push('cancelled')).cancel()
  clock.runUntil(200)
  expect(seen).toEqual(['past at 100'])
})

it('lets an event ask for more at its own instant', () => {
  const clock = createClock()
  const seen: number[] = []
  clock.at(5, () => {
    seen.push(1)
    clock.after(0, () => seen.push(2))
  })
  clock.runUntil(5)
  expect(seen).toEqual([1, 2])
})

it('refuses an event at no time', () => {
  expect(() => createClock().at(Number.NaN, () => {})).toThrow('no time')
})
