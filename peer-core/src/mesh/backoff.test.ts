import { describe, expect, it } from 'vitest'
import { Backoff } from './backoff.ts'

const peers = (count: number) => Array.from({ length: count }, (_, i) => `peer ${i}`)

describe('the back-off', () => {
  it('waits longer for a peer with each failure', () => {
    const backoff = new Backoff()
    backoff.dialFailed('a', 0)
    expect(backoff.readyAt('a')).toBe(5_000)
    backoff.dialFailed('a', 5_000)
    expect(backoff.readyAt('a')).toBe(15_000)
    expect(backoff.ready('b', 0)).toBe(true)
  })

  it('pauses everything after six peers in a row that could not be dialled, and not after six tries at one', () => {
    const backoff = new Backoff()
    for (let i = 0; i < 10; i++) backoff.dialFailed('a', i)
    expect(backoff.probing()).toBe(false)
    for (const peer of peers(5)) backoff.dialFailed(peer, 10)
    expect(backoff.probing()).toBe(true)
    expect(backoff.readyAt('a stranger')).toBe(30_010)
    backoff.opened('b')
    expect(backoff.ready('a stranger', 10)).toBe(true)
  })

  it('pauses nothing for what others began', () => {
    const backoff = new Backoff()
    for (const peer of peers(50)) backoff.failed(peer, 0)
    expect(backoff.probing()).toBe(false)
    expect(backoff.ready('a stranger', 0)).toBe(true)
    expect(backoff.ready('peer 49', 0)).toBe(false)
  })

  it('remembers no more peers than a thousand: strangers choose their ids', () => {
    const backoff = new Backoff()
    for (const peer of peers(2000)) backoff.failed(peer, 0)
    expect(backoff.failures('peer 0')).toBe(0)
    expect(backoff.failures('peer 1999')).toBe(1)
    expect(peers(2000).filter(peer => backoff.failures(peer) > 0)).toHaveLength(1024)
  })
})
