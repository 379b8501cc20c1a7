import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAddress } from '../address/address.ts'
import { Screen } from './screen.ts'

/** A screen remembers addresses that passed and reads their next candidates less closely: never with another result. */

const createScreen = () => {
  const reasons: string[] = []
  const address = parseAddress('192.0.2.77') ?? expect.unreachable()
  const screen = new Screen({ address, site: null, relays: false, siteOf: () => null }, reason =>
    reasons.push(reason),
  )
  return { screen, reasons }
}

const line = (
  address: string,
  { transport = 'udp', port = '50000', type = 'host', rest = 'generation 0' } = {},
) => `a=candidate:1 1 ${transport} 2113937151 ${address} ${port} typ ${type} ${rest}`
const sdp = (...lines: string[]) => ['v=0', ...lines, 'a=mid:0', ''].join('\r\n')

const addresses = ['192.0.2.77', '10.0.0.5', 'a-b.local', '2001:db8::7', '2001:db8:1::7']
const seen = sdp(...addresses.map(address => line(address)))

const candidate = fc
  .record({
    address: fc.constantFrom(
      ...addresses,
      '8.8.8.8',
      '192.0.2.7',
      '192.0.2.777',
      '10.0.0.5x',
      'a-b.local.evil.example',
    ),
    transport: fc.constantFrom('udp', 'UDP', 'tcp', 'xdp', 'udp6', ''),
    port: fc.constantFrom(
      '50000',
      '1024',
      '1023',
      '80',
      '9',
      '65535',
      '65536',
      '050000',
      '5e4',
      '',
      '-1',
      '50000 x',
    ),
    type: fc.constantFrom('host', 'srflx', 'relay', 'prflx', 'hostx', ''),
    rest: fc.constantFrom(
      'generation 0',
      'tcptype active generation 0',
      'tcptype passive',
      'tcptype activex',
      '',
      ' ',
    ),
  })
  .map(({ address, ...fields }) => line(address, fields))

test.each([false, true])('with memory and without the same candidates pass (inside: %s)', inside => {
  let passing = 0
  let stripped = 0
  fc.assert(
    fc.property(fc.array(candidate, { minLength: 1, maxLength: 3 }), lines => {
      const [fresh, used] = [createScreen(), createScreen()]
      // Both know which networks were named; only one has what is remembered of whole lines.
      for (const address of addresses)
        fresh.screen.candidates([JSON.stringify({ candidate: line(address).slice(2) })], inside)
      used.screen.description(seen, inside)
      used.reasons.length = 0
      fresh.reasons.length = 0
      const text = sdp(...lines)
      const kept = used.screen.description(text, inside)
      expect(kept).toBe(fresh.screen.description(text, inside))
      expect(used.reasons).toEqual(fresh.reasons)
      stripped += used.reasons.length
      passing += lines.length - used.reasons.length
    }),
    { seed: 7, numRuns: 3_000 },
  )
  expect(Math.min(passing, stripped)).toBeGreaterThan(100)
})
