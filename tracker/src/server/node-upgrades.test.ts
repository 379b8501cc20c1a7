import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { wireOf } from './node-upgrades.ts'
import { TextFrames } from './text-frames.ts'

test('what waits for a stalled reader costs little more than its own size', () => {
  const taken: Buffer[] = []
  const stalled = new Duplex({
    read() {},
    // The first write is never done, so that all others wait behind it.
    write(chunk: Buffer) {
      taken.push(chunk)
    },
  })
  const write = stalled.write.bind(stalled)
  stalled.write = (chunk: Buffer) => {
    taken.push(chunk)
    return write(chunk)
  }
  const wire = wireOf({} as WebSocket, stalled, new TextFrames())
  let waiting = 0
  for (let i = 0; i < 2_000; i++) waiting = wire.send([`message ${i}`])
  expect(waiting).toBeGreaterThan(20_000)
  const held = new Set(taken.map(({ buffer }) => buffer))
  const heldBytes = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0)
  expect(heldBytes).toBeLessThan(1_000_000)
  expect(taken.at(-1)?.toString('latin1')).toBe('\x81\x0cmessage 1999')
  expect(taken.at(1)?.toString('latin1')).toBe('\x81\x09message 0')
})
