import type { EdgeFetchSnapshot, SwarmSnapshot } from '@nearcast/peer-core'
import { describe, expect, it } from 'vitest'
import { createAccounts } from './accounts.ts'

const swarm = (bytes: Partial<SwarmSnapshot['bytes']>) => ({ bytes }) as SwarmSnapshot
const running = { type: 'running', contentId: 'c' } as const
const fetched = (over: Partial<EdgeFetchSnapshot>) =>
  ({ reason: 'lease', bytes: 10, state: 'done', ...over }) as EdgeFetchSnapshot

describe('createAccounts', () => {
  it('counts a copy as what came from outside the group over what was watched', () => {
    const accounts = createAccounts()
    const alone = accounts.snapshot(
      running,
      'c',
      swarm({ edge: 1000, group: 0, outside: 0, delivered: 1000 }),
    )
    expect(alone).toMatchObject({ copies: 1, p2pShare: 0 })
    const fed = accounts.snapshot(
      running,
      'c',
      swarm({ edge: 100, group: 700, outside: 200, delivered: 1000 }),
    )
    expect(fed.copies).toBeCloseTo(0.3)
    expect(fed.p2pShare).toBeCloseTo(0.9)
  })

  it("counts the player's own loads in both", () => {
    const accounts = createAccounts()
    accounts.countPlain('part', 1000)
    accounts.countPlain('part', 500)
    const seen = accounts.snapshot(running, 'c', swarm({ edge: 0, group: 500, outside: 0, delivered: 500 }))
    expect(seen).toMatchObject({ copies: 0.75, p2pShare: 0.25, watchedBytes: 2000 })
    expect(seen.plain.part).toMatchObject({ fragments: 2, bytes: 1500 })
    expect(seen.notShared).toEqual([seen.plain.part?.why])
  })

  it('is zero and not NaN before anything was watched', () => {
    expect(createAccounts().snapshot({ type: 'idle' }, '', null)).toMatchObject({ copies: 0, p2pShare: 0 })
  })

  it('counts an edge fetch by its reason when it ended', () => {
    const accounts = createAccounts()
    accounts.countEdge(fetched({ state: 'open', bytes: 0 }))
    accounts.countEdge(fetched({}))
    accounts.countEdge(fetched({ reason: 'tail', bytes: 5, state: 'aborted' }))
    expect(accounts.snapshot(running, 'c', null).edge).toEqual({
      lease: { fetches: 1, bytes: 10 },
      tail: { fetches: 1, bytes: 5 },
    })
  })
})
