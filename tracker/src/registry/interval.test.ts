import { describe, expect, test } from 'vitest'
import { createLab } from './lab.ts'

/** Shortest and longest interval that a peer is given, over the whole range of chance. */
function range(announceOnce: (lab: ReturnType<typeof createLab>) => unknown): [number, number] {
  const found = [0, 0.999_999].map(chance => {
    const lab = createLab({ random: () => chance })
    return Number(announceOnce(lab))
  })
  return [found[0] ?? Number.NaN, found[1] ?? Number.NaN]
}

/** The interval in the response to a peer that has so many links and wants more or none, among ten others. */
function told(links: number, want: number, others = 10): [number, number] {
  return range(lab => {
    for (let i = 0; i < others; i++) lab.open('198.51.100.1').announce(`other${i}`)
    const peer = lab.open('198.51.100.1')
    peer.announce('me', { ours: { have: links, want } })
    return peer.raw().find(message => 'interval' in message)?.['interval']
  })
}

describe('the interval between announces', () => {
  test('is 15 to 30 s for whoever has fewer than three links, spread by a fifth', () => {
    for (const links of [0, 1, 2]) {
      const [least, most] = told(links, 8)
      expect(least).toBeGreaterThanOrEqual(15)
      expect(most).toBeLessThanOrEqual(30)
      expect(most / least).toBeGreaterThan(1.3)
    }
  })

  test('is 120 s normally', () => {
    expect(told(3, 8)).toEqual([96, 144])
  })

  test('is 300 to 600 s for whoever wants no more', () => {
    const [least, most] = told(8, 0)
    expect(least).toBeGreaterThanOrEqual(300)
    expect(most).toBeLessThanOrEqual(600)
    expect(most / least).toBeGreaterThan(1.3)
  })

  test('does not hurry whoever is linked with all there are', () => {
    expect(told(1, 8, 1)[0]).toBeGreaterThanOrEqual(96)
  })
})
