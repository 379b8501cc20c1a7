import { describe, expect, test } from 'vitest'
import { type Address, parseAddress } from '../address/address.ts'
import { parseCidr } from '../address/cidr.ts'
import { clientAddress } from './client-address.ts'

const at = (text: string): Address => parseAddress(text) ?? expect.unreachable()
const trust = (header: string, ...networks: string[]) => ({
  header,
  proxies: networks.map(network => {
    const parsed = parseCidr(network)
    return parsed.ok ? parsed.cidr : expect.unreachable()
  }),
})

describe('who connects', () => {
  test.each([
    ['nobody trusted: the header is ignored', [], '203.0.113.9', '10.0.0.1', '203.0.113.9'],
    ['a stranger’s header is ignored', ['10.0.0.0/8'], '203.0.113.9', '192.0.2.1', '203.0.113.9'],
    ['one proxy', ['10.0.0.0/8'], '10.0.0.2', '192.0.2.1', '192.0.2.1'],
    ['a forged leftmost entry', ['10.0.0.0/8'], '10.0.0.2', '8.8.8.8, 192.0.2.1', '192.0.2.1'],
    [
      'a forged entry that looks like a proxy',
      ['10.0.0.0/8'],
      '10.0.0.2',
      '10.0.0.9, 192.0.2.1',
      '192.0.2.1',
    ],
    ['two proxies', ['10.0.0.0/8'], '10.0.0.2', '8.8.8.8, 192.0.2.1, 10.0.0.3', '192.0.2.1'],
    ['only proxies', ['10.0.0.0/8'], '10.0.0.2', '10.0.0.4, 10.0.0.3', '10.0.0.4'],
    ['rubbish stops the walk', ['10.0.0.0/8'], '10.0.0.2', '192.0.2.1, unknown, 10.0.0.3', '10.0.0.3'],
    ['no header', ['10.0.0.0/8'], '10.0.0.2', undefined, '10.0.0.2'],
    [
      'ports, brackets and mapped addresses',
      ['::ffff:10.0.0.0/104'],
      '::ffff:10.0.0.2',
      '[2001:db8::7]:4711',
      '2001:db8::7',
    ],
  ])('%s', (_, networks, socket, header, expected) => {
    const headers = header === undefined ? {} : { 'x-forwarded-for': header }
    expect(clientAddress(at(socket), headers, trust('x-forwarded-for', ...networks)).text).toBe(expected)
  })

  test.each([
    ['for=192.0.2.1', '192.0.2.1'],
    ['For="[2001:db8::7]:4711";proto=https;by=10.0.0.2', '2001:db8::7'],
    ['for=8.8.8.8, for=192.0.2.1;host="a, for=1.1.1.1"', '192.0.2.1'],
    ['proto=https;for="192.0.2.1:80", for=10.0.0.3', '192.0.2.1'],
    ['for=192.0.2.1, for=_hidden', '10.0.0.2'],
    ['proto=https', '10.0.0.2'],
    ['for="192.0.2.1', '10.0.0.2'],
  ])('Forwarded: %s', (forwarded, expected) => {
    expect(clientAddress(at('10.0.0.2'), { forwarded }, trust('forwarded', '10.0.0.0/8')).text).toBe(expected)
  })

  test('a header that the proxy does not write is not believed', () => {
    const headers = { forwarded: 'for=8.8.8.8', 'x-forwarded-for': '192.0.2.1', 'x-real-ip': '9.9.9.9' }
    expect(clientAddress(at('10.0.0.2'), headers, trust('X-Forwarded-For', '10.0.0.0/8')).text).toBe(
      '192.0.2.1',
    )
    expect(clientAddress(at('10.0.0.2'), headers, trust('x-real-ip', '10.0.0.0/8')).text).toBe('9.9.9.9')
  })
})
