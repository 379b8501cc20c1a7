import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Hasher } from '../ports.ts'
import { infoHash } from './info-hash.ts'
import { createPeerId } from './peer-id.ts'

const hasher: Hasher = {
  name: 'node',
  sha256: async blocks => blocks.map(block => new Uint8Array(createHash('sha256').update(block).digest())),
}

describe('infoHash', () => {
  it('is the start of SHA-256 over the versioned content id', async () => {
    const whole = createHash('sha256').update('nearcast/1 https://a.example/v.m3u8?id=7').digest('hex')
    expect(await infoHash('https://a.example/v.m3u8?id=7', hasher)).toBe(whole.slice(0, 40))
  })

  it('takes letters beyond ASCII as UTF-8', async () => {
    const whole = createHash('sha256').update(Buffer.from('nearcast/1 Übertragung', 'utf8')).digest('hex')
    expect(await infoHash('Übertragung', hasher)).toBe(whole.slice(0, 40))
  })
})

describe('createPeerId', () => {
  it('is 20 bytes that start with the client and differ each time', () => {
    const a = createPeerId()
    expect(a).toMatch(/^[0-9a-f]{40}$/)
    expect(Buffer.from(a, 'hex').toString('latin1').slice(0, 8)).toBe('-NC0100-')
    expect(createPeerId()).not.toBe(a)
  })
})
