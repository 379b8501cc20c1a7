import { describe, expect, test } from 'vitest'
import { parseAddress } from '../address/address.ts'
import { mayRead, type Reader } from './metrics-access.ts'

const reader = (address: string | null, fields: Partial<Reader> = {}): Reader => ({
  address: address === null ? null : parseAddress(address),
  isForwarded: false,
  authorization: undefined,
  ...fields,
})

describe('who may read the metrics', () => {
  test('by default whoever comes from a private address', () => {
    for (const address of ['127.0.0.1', '::1', '10.1.2.3', '192.168.0.4', 'fd00::7'])
      expect(mayRead({}, reader(address)), address).toBe(true)
    for (const address of ['198.51.100.7', '2001:db8::1', null])
      expect(mayRead({}, reader(address)), String(address)).toBe(false)
  })

  test('not the public behind a proxy that nobody named, although the proxy is private', () => {
    expect(mayRead({}, reader('127.0.0.1', { isForwarded: true }))).toBe(false)
    expect(mayRead({ access: 'open' }, reader('127.0.0.1', { isForwarded: true }))).toBe(true)
  })

  test('a token is needed from everywhere once it is set', () => {
    const access = { access: 'open', token: 'sixteen-characters' } as const
    expect(mayRead(access, reader('127.0.0.1'))).toBe(false)
    expect(mayRead(access, reader('127.0.0.1', { authorization: 'Bearer wrong' }))).toBe(false)
    expect(mayRead(access, reader('127.0.0.1', { authorization: 'Basic sixteen-characters' }))).toBe(false)
    expect(mayRead(access, reader('198.51.100.7', { authorization: 'Bearer sixteen-characters' }))).toBe(true)
  })

  test('off is off', () => {
    expect(
      mayRead(
        { access: 'off', token: 'sixteen-characters' },
        reader('::1', { authorization: 'Bearer sixteen-characters' }),
      ),
    ).toBe(false)
  })
})
