import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, test } from 'vitest'
import { type Address, parseAddress } from '../address/address.ts'
import { contains, parseCidr } from '../address/cidr.ts'
import type { Sender } from './candidate-rules.ts'
import { Screen } from './screen.ts'

const at = (text: string): Address => parseAddress(text) ?? expect.unreachable()

interface Given extends Partial<Sender> {
  readonly from?: string
  readonly siteNetwork?: string
  readonly wan?: 'allow' | 'deny'
}

function screen({ from = '192.0.2.77', siteNetwork, wan = 'allow', ...rest }: Given = {}) {
  const inside = wan === 'deny'
  const network = siteNetwork === undefined ? null : parseCidr(siteNetwork)
  const reasons: string[] = []
  const screen = new Screen(
    {
      address: at(from),
      site: network === null ? null : 'hq',
      relays: false,
      siteOf: address => (network?.ok && contains(network.cidr, address) ? 'hq' : null),
      ...rest,
    },
    reason => reasons.push(reason),
  )
  const made = {
    description: (text: string) => screen.description(text, inside),
    candidates: (list: readonly string[]) => screen.candidates(list, inside),
  }
  return {
    made,
    reasons,
    takes: (candidate: string) => made.description(sdp(candidate)).includes('candidate:'),
  }
}

const host = (address: string, port: number | string = 50_000, rest = 'udp') =>
  `candidate:1 1 ${rest === 'udp' ? 'udp' : 'tcp'} 2113937151 ${address} ${port} typ host${rest === 'udp' ? '' : ` tcptype ${rest}`} generation 0`
const typed = (type: string, address: string) =>
  `candidate:1 1 UDP 1677729535 ${address} 50000 typ ${type} raddr 0.0.0.0 rport 0`

const frame = [
  'v=0',
  'o=- 46 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
]
const sdp = (...candidates: string[]) =>
  [...frame, ...candidates.map(line => `a=${line}`), 'a=mid:0', ''].join('\r\n')

describe('a viewer on the internet', () => {
  test.each([
    ['a local name', host('0b1b6c55-4d7a-4e9a-a9f2-6bb5ea7ccf3e.local')],
    ['a private address', host('192.168.1.20')],
    ['a carrier’s inner address', host('100.64.3.4')],
    ['a link-local address', host('169.254.7.7')],
    ['a unique local address', host('fd12:3456::1')],
    ['its own public address', typed('srflx', '192.0.2.77')],
    ['a neighbour in its carrier’s pool', typed('srflx', '192.0.2.200')],
    ['its address of the other family', typed('srflx', '2001:db8:5::1')],
    ['TCP that only dials', host('192.168.1.20', 9, 'active')],
  ])('may name %s', (_, candidate) => {
    const { made, reasons } = screen()
    expect(made.description(sdp(candidate))).toBe(sdp(candidate))
    expect(reasons).toEqual([])
  })

  test.each([
    ['foreign', 'a stranger’s address', typed('srflx', '198.51.100.9')],
    ['foreign', 'a stranger’s address as its own host', host('8.8.8.8')],
    ['special', 'loopback', host('127.0.0.1')],
    ['special', 'loopback of IPv6', host('::1')],
    ['special', 'loopback in disguise', host('::ffff:127.0.0.1')],
    ['special', 'no address', host('0.0.0.0')],
    ['special', 'multicast', host('239.255.255.250')],
    ['special', 'multicast of IPv6', host('ff02::1')],
    ['special', 'everybody', host('255.255.255.255')],
    ['special', 'a cloud’s credentials', host('169.254.169.254')],
    ['special', 'a translated stranger', host('64:ff9b::808:808')],
    ['name', 'a name in DNS', host('victim.example')],
    ['name', 'a name that only looks local', host('victim.example.local')],
    ['name', 'an address in octal', host('0300.0250.1.1')],
    ['relay', 'a TURN server', typed('relay', '192.0.2.77')],
    ['tcp', 'TCP that waits', host('192.168.1.1', 8_080, 'passive')],
    ['port', 'a service’s port', host('192.168.1.1', 53)],
    ['malformed', 'an unknown type', typed('magic', '192.168.1.1')],
    ['malformed', 'no port', host('192.168.1.1', 'http')],
    ['malformed', 'half a line', 'candidate:1 1 udp 3'],
    ['malformed', 'a line without end', host(`192.168.1.1 ${'x'.repeat(600)}`)],
  ])('is stripped (%s) of %s, and of nothing else', (reason, _, candidate) => {
    const { made, reasons } = screen()
    expect(made.description(sdp(host('10.0.0.1'), candidate, host('10.0.0.2')))).toBe(
      sdp(host('10.0.0.1'), host('10.0.0.2')),
    )
    expect(reasons).toEqual([reason])
  })

  test('names a handful of networks we cannot see, and no more', () => {
    const { made, reasons } = screen()
    for (let i = 1; i <= 4; i++)
      expect(made.description(sdp(host(`2001:db8:${i}::1`)))).toContain('candidate:')
    expect(made.description(sdp(host('2001:db8:1::2')))).toContain('candidate:')
    expect(reasons).toEqual([])
    expect(made.description(sdp(host('2001:db8:5::1')))).not.toContain('candidate:')
    expect(reasons).toEqual(['foreign'])
  })

  test('has 64 candidates at most', () => {
    const { made, reasons } = screen()
    const many = Array.from({ length: 70 }, (_, i) => host(`10.0.0.${i}`))
    expect(made.description(sdp(...many))).toBe(sdp(...many.slice(0, 64)))
    expect(reasons).toEqual(Array(6).fill('many'))
  })

  test('shows nobody else’s address in lines that are not dialled either', () => {
    const { made } = screen()
    const told = made.description(
      'v=0\r\no=- 1 2 IN IP4 8.8.8.8\r\nc=IN IP6 2606:4700::1\r\no=- 1 2 IN IP4 10.1.1.1\r\na=remote-candidates:1 8.8.8.8 53\r\n',
    )
    expect(told).not.toContain('8.8.8.8')
    expect(told).toContain('o=- 1 2 IN IP4 10.1.1.1\r\n')
  })
})

test('a sender behind a private address may have a public one that we do not see', () => {
  expect(screen({ from: '10.0.0.5' }).takes(typed('srflx', '198.51.100.9'))).toBe(true)
})

test('on the tracker’s own machine, and nowhere else, loopback is where a sender is', () => {
  expect(screen({ from: '127.0.0.1' }).takes(host('127.0.0.1'))).toBe(true)
  expect(screen({ from: '10.0.0.5' }).takes(host('127.0.0.1'))).toBe(false)
})

test('a site’s networks are the sender’s own', () => {
  expect(screen({ siteNetwork: '198.51.100.0/24' }).takes(host('198.51.100.9'))).toBe(true)
  expect(screen().takes(host('198.51.100.9'))).toBe(false)
})

test('with wan=deny only what lies inside passes', () => {
  const inside = screen({ wan: 'deny', siteNetwork: '198.51.100.0/24', relays: true })
  expect(inside.takes(host('198.51.100.9'))).toBe(true)
  expect(inside.takes(host('10.0.0.1'))).toBe(true)
  expect(inside.takes(host('abc.local'))).toBe(true)
  expect(inside.takes(typed('srflx', '2001:db8:5::1'))).toBe(false)
  expect(inside.takes(typed('relay', '203.0.113.1'))).toBe(false)
})

test('a TURN server passes where the operator allows it', () => {
  const relayed = screen({ relays: true })
  expect(relayed.takes(typed('relay', '203.0.113.1'))).toBe(true)
  expect(relayed.takes(typed('relay', '127.0.0.1'))).toBe(false)
})

describe('trickled candidates', () => {
  const init = (candidate: unknown) => JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0 })

  test('pass as they were, as does the end of them', () => {
    const { made } = screen()
    const list = [init(host('10.0.0.1')), init(''), init({ candidate: host('abc.local') })]
    expect(made.candidates(list)).toBe(list)
  })

  test.each([
    ['foreign', init(host('8.8.8.8'))],
    ['foreign', init(host('8.8.8.8')).replace('candidate:', '\\u0063andidate:')],
    ['foreign', init({ candidate: host('8.8.8.8') })],
    ['foreign', init(`a=${host('8.8.8.8')}`)],
    ['malformed', init(`${host('10.0.0.1')}\r\na=${host('8.8.8.8')}`)],
    ['malformed', init('CANDIDATE:1')],
  ])('are stripped (%s): %s', (reason, text) => {
    const { made, reasons } = screen()
    const good = init(host('10.0.0.1'))
    expect(made.candidates([good, text])).toEqual([good])
    expect(reasons).toEqual([reason])
  })
})

describe('whatever a client writes', () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('10.1.2.3', 'abc.local', '192.0.2.77', '127.0.0.1', '::ffff:8.8.8.8', 'evil.example', ''),
  )
  const line = fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom('host', 'srflx', 'relay', 'odd'), address, fc.nat(70_000))
        .map(([type, where, port]) => `candidate:1 1 udp 1 ${where} ${port} typ ${type}`),
    },
    fc.string(),
  )
  const text = fc
    .array(
      fc.tuple(fc.constantFrom('a=', 'A=', 'a= ', 'c=', ''), line, fc.constantFrom('\r\n', '\n', '\r', '')),
    )
    .map(lines => lines.flat().join(''))

  test('no public address but the sender’s own, and no name, reaches whoever reads lines as browsers do', () => {
    fc.assert(
      fc.property(text, written => {
        const { made } = screen()
        const clean = made.description(written)
        for (const read of clean.split(/\r\n|\r|\n/)) {
          const where = /^a=candidate:(?:[^ ]* ){4}([^ ]*) /i.exec(read)?.[1]
          if (where === undefined || where.endsWith('.local')) continue
          expect(ipaddr.isValid(where)).toBe(true)
          const range = ipaddr.process(where).range()
          if (range === 'unicast' || range === 'reserved')
            expect(where === '192.0.2.77' || ipaddr.process(where).kind() === 'ipv6', read).toBe(true)
          else expect(['private', 'linkLocal', 'carrierGradeNat', 'uniqueLocal'], read).toContain(range)
        }
        expect(made.description(clean)).toBe(clean)
      }),
      { seed: 11, numRuns: 3_000 },
    )
  })

  test('lines that hold no address stay, in order', () => {
    const plain = fc.constantFrom(
      'a=mid:0',
      'a=setup:actpass',
      'a=end-of-candidates',
      'm=application 9 x y',
      's=-',
    )
    const either = fc.array(
      fc.oneof(
        plain,
        address.map(where => `a=${host(where || 'x')}`),
      ),
    )
    fc.assert(
      fc.property(either, lines => {
        const kept = screen()
          .made.description(lines.map(one => `${one}\r\n`).join(''))
          .split('\r\n')
        const isPlain = (one: string) => one !== '' && !one.startsWith('a=candidate')
        expect(kept.filter(isPlain)).toEqual(lines.filter(isPlain))
      }),
      { seed: 12, numRuns: 500 },
    )
  })
})
