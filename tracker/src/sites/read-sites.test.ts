import { describe, expect, test } from 'vitest'
import { parseAddress } from '../address/address.ts'
import { readSites } from './read-sites.ts'

const table = (csv: string) => {
  const read = readSites(csv)
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.table
}
const at = (text: string) => parseAddress(text) ?? expect.unreachable()

describe('the site file', () => {
  test('the first row that covers an address decides', () => {
    const sites = table(
      'site,cidr,mode,wan,uploadKbps,lineKbps\nvpn,10.2.9.0/24,leech,deny,500,\nhq,10.2.0.0/16,share,deny,,20000\nlab,2001:db8::/32,off,allow,0,0\n',
    )
    expect(sites.match(at('10.2.9.1'))).toMatchObject({
      site: 'vpn',
      line: 2,
      policy: { mode: 'leech', uploadKbps: 500 },
    })
    expect(sites.match(at('10.2.8.1'))).toMatchObject({
      site: 'hq',
      line: 3,
      policy: { wan: 'deny', lineKbps: 20_000 },
    })
    expect(sites.match(at('2001:db8::9'))).toMatchObject({ site: 'lab', policy: { mode: 'off' } })
    expect(sites.match(at('192.0.2.1'))).toBeNull()
    expect(sites.explain(at('10.2.9.1')).shadowed.map(rule => rule.line)).toEqual([3])
  })

  test('columns may come in any order, be missing or empty; comments, quotes, BOM and CRLF are fine', () => {
    const sites = table('\ufeffcidr,site\r\n# head office\r\n\r\n10.0.0.0/8 , "Head, office"\r\n')
    expect(sites.rules).toHaveLength(1)
    expect(sites.rules[0]).toMatchObject({ site: 'Head, office', line: 4, policy: {} })
  })

  test('an empty file names no site', () => {
    expect(table('').rules).toEqual([])
  })

  test('every bad row is reported with its line, and nothing is applied', () => {
    const read = readSites(
      'site,cidr,mode,wan\nhq,10.2.0.0/16,share,deny\nb,10.3.1.0/16,,\nc,10.4.0.0/16,on,never\n,10.5.0.0/16,,\nd,10.6.0.0/16,,,,9\n',
    )
    expect(read.ok).toBe(false)
    if (read.ok) return
    expect(read.problems.map(problem => problem.line)).toEqual([3, 4, 4, 5, 6])
    expect(read.problems[0]?.message).toContain('write 10.3.0.0/16')
    expect(read.problems[1]?.message).toContain('share, leech, off')
  })

  test.each([
    ['site,network\nhq,10.0.0.0/8\n', 1, 'cidr'],
    ['hq,10.0.0.0/8\n', 1, 'the header is'],
    ['site,cidr\nhq,"10.0.0.0/8\n', 2, 'not CSV'],
    ['site,cidr,uploadKbps\nhq,10.0.0.0/8,fast\n', 2, 'kbit/s'],
    ['site,cidr,integrity\nhq,10.0.0.0/8,strict\n', 2, 'required, prefer, audit, off'],
    ['site,cidr,maxPeers\nhq,10.0.0.0/8,10001\n', 2, 'links'],
  ])('%j is refused', (csv, line, word) => {
    const read = readSites(csv)
    expect(read.ok ? null : read.problems[0]?.line).toBe(line)
    expect(read.ok ? '' : read.problems[0]?.message).toContain(word)
  })

  test('a row that can never apply is a warning', () => {
    const read = readSites('site,cidr\nall,10.0.0.0/8\nhq,10.2.0.0/16\n')
    expect(read.ok && read.warnings).toEqual([{ line: 3, message: expect.stringContaining('line 2') }])
  })
})
