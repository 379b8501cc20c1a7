import { beforeEach, describe, expect, test } from 'vitest'
import { addressKey, parseAddress } from '../address/address.ts'
import { type End, Homes } from './homes.ts'

let homes: Homes
let lastId: number
beforeEach(() => {
  homes = new Homes()
  lastId = 0
})

function end(text: string, lan: string | null = null, site: string | null = null): End {
  const address = parseAddress(text)
  if (address === null) throw new Error(text)
  const network = { site, address: addressKey(address), prefix: '', asn: null, country: null }
  return { connection: { id: ++lastId, address, standing: { network } }, lan }
}

function ends(count: number, text = '192.0.2.1'): End[] {
  return Array.from({ length: count }, () => {
    const one = end(text)
    homes.counted(one.connection, lastId, 0)
    return one
  })
}

const share = (a: End, b: End) => homes.of(a).home === homes.of(b).home

describe('one address', () => {
  test('is one household until more than 64 sockets come from it, then a carrier’s, until fewer than 48 do', () => {
    const [a, b] = ends(64) as [End, End]
    expect(share(a, b)).toBe(true)
    const late = end('192.0.2.1')
    homes.counted(late.connection, 65, 0)
    expect(share(a, b)).toBe(false)
    expect(homes.of(a).sharesLine).toBe(false)
    expect(homes.takeMoved()).toEqual(new Set([addressKey(a.connection.address)]))
    homes.counted(late.connection, 50, 0)
    expect(share(a, b)).toBe(false)
    homes.counted(late.connection, 48, 0)
    expect(share(a, b)).toBe(true)
  })

  test('is never a carrier’s when it is private, an IPv6 link, or a site that the operator named', () => {
    for (const text of ['10.0.0.1', '127.0.0.1', '2001:db8::1']) {
      const [a, b] = ends(100, text) as [End, End]
      expect(share(a, b), text).toBe(true)
    }
    const [a, b] = [end('192.0.2.1', null, 'hq'), end('192.0.2.1', null, 'hq')]
    homes.counted(a.connection, 500, 0)
    for (let i = 0; i < 9; i++) homes.saw(end('192.0.2.1', null, 'hq'), b, 'failed', 0)
    expect(share(a, b)).toBe(true)
  })

  test('of many is a LAN again once three say that they reached each other directly', () => {
    const all = ends(80)
    const [a, b] = all as [End, End]
    for (let i = 0; i < 2; i++) homes.saw(all[i] as End, all[i + 10] as End, 'direct', 0)
    expect(share(a, b)).toBe(false)
    homes.saw(all[2] as End, all[12] as End, 'direct', 0)
    expect(share(a, b)).toBe(true)
    // What they said wears off; the crowd is still there.
    homes.expire(3_700_000)
    expect(share(a, b)).toBe(false)
  })

  test('of few is a carrier’s when three say that dials fail, or eight that they pass by a NAT', () => {
    const few = ends(12)
    const [a, b] = few as [End, End]
    for (let i = 0; i < 2; i++) homes.saw(few[i] as End, few[i + 1] as End, 'failed', 0)
    expect(share(a, b)).toBe(true)
    homes.saw(few[2] as End, few[3] as End, 'failed', 0)
    expect(share(a, b)).toBe(false)

    homes = new Homes()
    for (let i = 0; i < 7; i++) homes.saw(few[i] as End, few[i + 1] as End, 'via', 0)
    expect(share(a, b)).toBe(true)
    homes.saw(few[8] as End, few[9] as End, 'via', 0)
    expect(share(a, b)).toBe(false)
  })

  test('is not decided by one who reports much', () => {
    const all = ends(80)
    const [liar, a, b] = all as [End, End, End]
    for (let i = 3; i < 70; i++) homes.saw(liar, all[i] as End, 'direct', 0)
    expect(share(a, b)).toBe(false)

    homes = new Homes()
    for (let i = 3; i < 70; i++) homes.saw(liar, all[i] as End, 'failed', 0)
    expect(share(a, b)).toBe(true)
  })

  test('is not decided by two or three liars among many who are honest', () => {
    const all = ends(80)
    const [a, b] = all as [End, End]
    for (let i = 0; i < 12; i++) homes.saw(all[i] as End, all[i + 20] as End, 'via', 0)
    for (let i = 60; i < 66; i++) homes.saw(all[i] as End, all[i + 1] as End, 'direct', 0)
    expect(share(a, b)).toBe(false)
  })
})

describe('private networks behind one address', () => {
  test('are told apart, one household, until outcomes say that they do not reach each other', () => {
    const [a, b, c] = [end('192.0.2.1', 'a1'), end('192.0.2.1', 'a1'), end('192.0.2.1', 'b2')]
    expect(share(a, c)).toBe(true)
    expect([a, b, c].map(one => homes.of(one).lan)).toEqual(['a1', 'a1', 'b2'])
    for (const one of [a, b, end('192.0.2.1', 'a1')]) homes.saw(one, c, 'failed', 0)
    expect(share(a, b)).toBe(true)
    expect(share(a, c)).toBe(false)
    // It says nothing of the address as a whole.
    expect(homes.of(end('192.0.2.1')).sharesLine).toBe(true)
  })

  test('are as one when a single dial between them was direct', () => {
    const [a, c] = [end('192.0.2.1', 'a1'), end('192.0.2.1', 'b2')]
    homes.saw(a, c, 'direct', 0)
    for (let i = 0; i < 5; i++) homes.saw(end('192.0.2.1', 'a1'), c, 'failed', 0)
    expect(share(a, c)).toBe(true)
    expect(homes.of(a).lan).toBeNull()
  })
})

describe('an IPv4 and an IPv6 address', () => {
  const [four, six] = ['192.0.2.1', '2001:db8::7']

  test('are one household when both ends say that they reached each other directly, for some hours', () => {
    const [a, b] = [end(four), end(six)]
    homes.saw(a, b, 'direct', 0)
    homes.saw(a, b, 'direct', 1)
    expect(share(a, b)).toBe(false)
    homes.saw(b, a, 'direct', 2)
    expect(share(a, b)).toBe(true)
    expect(share(end(four), end(six))).toBe(true)
    expect(homes.takeMoved()).toEqual(new Set([addressKey(b.connection.address)]))
    homes.expire(5 * 3_600_000)
    expect(share(a, b)).toBe(true)
    homes.expire(7 * 3_600_000)
    expect(share(a, b)).toBe(false)
  })

  test('stay two when only one end says so, late, by a NAT, of one family, of a site, or of a carrier', () => {
    const pairs: [End, End][] = [
      [end(four), end('198.51.100.1')],
      [end(six), end('2001:db8:0:9::7')],
      [end(four, null, 'hq'), end(six)],
      [end('10.0.0.1'), end(six)],
    ]
    for (const [a, b] of pairs) {
      homes.saw(a, b, 'direct', 0)
      homes.saw(b, a, 'direct', 0)
      expect(share(a, b)).toBe(false)
    }
    const [a, b] = [end(four), end(six)]
    homes.saw(a, b, 'direct', 0)
    homes.saw(b, a, 'direct', 121_000)
    homes.saw(a, b, 'via', 121_000)
    expect(share(a, b)).toBe(false)
    const crowd = ends(70) as [End]
    homes.saw(crowd[0], b, 'direct', 0)
    homes.saw(b, crowd[0], 'direct', 0)
    expect(share(crowd[0], b)).toBe(false)
  })

  test('a second household cannot take an address away, and one takes no more than eight', () => {
    const link = (a: End, b: End) => {
      homes.saw(a, b, 'direct', 0)
      homes.saw(b, a, 'direct', 0)
    }
    const [a, b, thief] = [end(four), end(six), end('198.51.100.1')]
    link(a, b)
    link(thief, b)
    expect(share(a, b)).toBe(true)
    expect(share(thief, b)).toBe(false)
    for (let i = 1; i < 20; i++) link(a, end(`2001:db8:0:${i}::7`))
    const joined = Array.from({ length: 20 }, (_, i) => share(a, end(`2001:db8:0:${i}::7`)))
    expect(joined.filter(Boolean)).toHaveLength(8)
  })
})
