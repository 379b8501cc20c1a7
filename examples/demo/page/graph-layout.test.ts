import { describe, expect, it } from 'vitest'
import { layoutGraph } from './graph-layout.ts'

const peers = (count: number, place: 'group' | 'outside') =>
  Array.from({ length: count }, (_, index) => ({ id: `${place}${index}`, place }))

describe('the graph layout', () => {
  const sizes = [
    [560, 340],
    [362, 360],
    [900, 500],
  ] as const

  it.each(sizes)(
    'keeps the group inside its network and others outside of it, at %d × %d',
    (width, height) => {
      for (let count = 1; count <= 24; count++) {
        const {
          peers: places,
          room,
          nodeRadius,
        } = layoutGraph([...peers(count, 'group'), ...peers(3, 'outside')], width, height)
        for (const [id, { x, y }] of places) {
          expect(x).toBeGreaterThan(nodeRadius)
          expect(x).toBeLessThan(width - nodeRadius)
          if (id.startsWith('group')) {
            expect(y - nodeRadius).toBeGreaterThanOrEqual(room.y)
            expect(y + nodeRadius).toBeLessThanOrEqual(room.y + room.height)
          } else expect(y + nodeRadius).toBeLessThan(room.y)
        }
      }
    },
  )

  it.each(sizes)('lays no two viewers on each other, at %d × %d', (width, height) => {
    for (let count = 1; count <= 20; count++) {
      const { peers: places, self, nodeRadius } = layoutGraph(peers(count, 'group'), width, height)
      const points = [self, ...places.values()]
      points.forEach((a, index) => {
        for (const b of points.slice(index + 1))
          expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(nodeRadius * 1.5)
      })
    }
  })
})
