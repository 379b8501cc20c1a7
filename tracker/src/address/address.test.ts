import { describe, expect, test } from 'vitest'
import { addressKey, isPrivate, parseAddress, prefixKey } from './address.ts'
import { contains, parseCidr } from './cidr.ts'

const read = (text: string) => {
  const address = parseAddress(text)
  if (address === null) throw new Error(`no address: ${text}`)
  return address
}

describe('addresses', () => {
  test.each([
    ['10.2.3.4', '10.2.3.4'],
    ['10.2.3.4:5678', '10.2.3.4'],
    ['::ffff:10.2.3.4', '10.2.3.4'],
    ['[::ffff:10.2.3.4]:99', '10.2.3.4'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[2001:DB8::1]:443', '2001:db8::1'],
    [' 2001:db8:0:0:0:0:0:1 ', '2001:db8::1'],
  ])('%s is %s', (text, canonical) => {
    expect(parseAddress(text)?.text).toBe(canonical)
  })

  test.each([
    '',
    'localhost',
    '10',
    '10.2.3',
    '0x7f.1',
    '010.1.1.1',
    '10.2.3.256',
    '[::1',
    ':::1',
    '1.2.3.4.5',
    'unknown',
  ])('%j is none', text => {
    expect(parseAddress(text)).toBeNull()
  })

  test('one public address is an IPv4 address or an IPv6 /64, its prefix a /24 or a /56', () => {
    expect(addressKey(read('192.0.2.7'))).not.toBe(addressKey(read('192.0.2.8')))
    expect(prefixKey(read('192.0.2.7'))).toBe(prefixKey(read('192.0.2.8')))
    expect(prefixKey(read('192.0.2.7'))).not.toBe(prefixKey(read('192.0.3.7')))
    expect(addressKey(read('2001:db8:1:2::7'))).toBe(addressKey(read('2001:db8:1:2:ffff::1')))
    expect(addressKey(read('2001:db8:1:2::7'))).not.toBe(addressKey(read('2001:db8:1:3::7')))
    expect(prefixKey(read('2001:db8:1:2::7'))).toBe(prefixKey(read('2001:db8:1:3::7')))
    expect(prefixKey(read('2001:db8:1:2::7'))).not.toBe(prefixKey(read('2001:db8:1:102::7')))
  })

  test('knows what the public internet does not route', () => {
    for (const text of [
      '127.0.0.1',
      '10.0.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '::1',
      'fe80::1',
      'fd00::1',
    ]) {
      expect(isPrivate(read(text)), text).toBe(true)
    }
    for (const text of ['192.0.2.1', '8.8.8.8', '172.32.0.1', '2001:4860::1'])
      expect(isPrivate(read(text)), text).toBe(false)
  })
})

describe('networks', () => {
  const cidr = (text: string) => {
    const parsed = parseCidr(text)
    if (!parsed.ok) throw new Error(parsed.reason)
    return parsed.cidr
  }

  test.each([
    ['10.2.0.0/16', '10.2.255.255', true],
    ['10.2.0.0/16', '10.3.0.0', false],
    ['10.2.0.0/15', '10.3.9.9', true],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '::1', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['192.0.2.1', '192.0.2.1', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ])('%s contains %s: %s', (network, address, expected) => {
    expect(contains(cidr(network), read(address))).toBe(expected)
  })

  test.each([
    ['10.2.3.4/16', 'write 10.2.0.0/16'],
    ['10.2.0.0/33', '0 to 32'],
    ['2001:db8::1/32', 'write 2001:db8::/32'],
    ['10.2.0.0/x', '0 to 32'],
    ['office', 'no network'],
    ['10.0.0.0/8/8', 'no network'],
  ])('%s is refused with a remedy', (text, remedy) => {
    const parsed = parseCidr(text)
    expect(parsed.ok ? '' : parsed.reason).toContain(remedy)
  })

  test('a wider network contains a narrower one, not the other way round', () => {
    expect(contains(cidr('10.0.0.0/8'), cidr('10.2.0.0/16'))).toBe(true)
    expect(contains(cidr('10.2.0.0/16'), cidr('10.0.0.0/8'))).toBe(false)
  })
})
