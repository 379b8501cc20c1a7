import { expect, it } from 'vitest'
import { mostPeers, pruneSlowest } from './churn.ts'

const crowd = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ peer: `p${i}`, bps: i, connectedAt: 0, isBusy: false }))

it('lets go of nobody up to fifty', () => {
  expect(pruneSlowest(crowd(mostPeers), 60_000)).toEqual([])
})

it('lets go of the slowest beyond fifty, unless busy or new', () => {
  const neighbours = crowd(53)
  expect(pruneSlowest(neighbours, 60_000)).toEqual(['p0', 'p1', 'p2'])
  neighbours[0] = { ...neighbours[0]!, isBusy: true }
  neighbours[1] = { ...neighbours[1]!, connectedAt: 50_000 }
  expect(pruneSlowest(neighbours, 60_000)).toEqual(['p2', 'p3', 'p4'])
})
