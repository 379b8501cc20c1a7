import { describe, expect, it } from 'vitest'
import { formatBytes, parseByteSize } from './byte-size.ts'

describe('sizes', () => {
  it.each([
    ['10GB', 10e9],
    ['512MiB', 512 * 2 ** 20],
    ['1.5 tb', 1.5e12],
    ['64k', 64e3],
    ['1000', 1000],
    ['0', 0],
    ['3B', 3],
  ])('reads %s', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes)
  })

  it.each(['', 'GB', '10GX', '-1GB', '1e9', '10 G B', '99999999TB', '1,5GB'])('refuses %j', text => {
    expect(parseByteSize(text)).toBeNull()
  })

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_234, '1.2 kB'],
    [123_456_789, '123 MB'],
    [999_950, '1.0 MB'],
    [10e9, '10.0 GB'],
  ])('writes %d', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})
