import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseAddress } from './address/address.ts'
import { explain } from './explain.ts'
import { writeMmdb } from './geo/mmdb-writer.ts'
import { followOperatorFiles, type OperatorPaths, readOperatorFiles, savePolicies } from './operator-files.ts'
import type { PolicyRule } from './policy/policy-rule.ts'
import { type Locate, nowhere } from './registry/network.ts'
import type { LogEntry } from './server/log.ts'
import { readSites } from './sites/read-sites.ts'

let folder: string
let paths: OperatorPaths
let applied: { sites: string[]; rules: readonly PolicyRule[]; locate: Locate; changes: number }
let logged: LogEntry[]
let following: { reload(): void; close(): void } | null

const at = (text: string) => parseAddress(text) ?? expect.unreachable()
const asn = (number: number) =>
  writeMmdb('GeoLite2-ASN', [['192.0.2.0/24', { autonomous_system_number: number }]])
const errors = () => logged.filter(({ level }) => level === 'error').map(({ message }) => message)

const tracker = {
  setSites(csv: string) {
    const read = readSites(csv)
    if (read.ok) {
      applied.sites = read.table.rules.map(({ site }) => site)
      applied.changes++
    }
    return read
  },
  setRules(rules: readonly PolicyRule[]) {
    applied.rules = rules
    applied.changes++
  },
  setLocate(locate: Locate) {
    applied.locate = locate
    applied.changes++
  },
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nearcast-files-'))
  paths = {
    sites: join(folder, 'sites.csv'),
    policies: join(folder, 'policies.json'),
    asnDatabase: join(folder, 'asn.mmdb'),
    countryDatabase: join(folder, 'country.mmdb'),
  }
  writeFileSync(paths.sites!, 'site,cidr,mode,wan\nvpn,10.2.9.0/24,leech,deny\nhq,10.2.0.0/16,,deny\n')
  writeFileSync(paths.policies!, '{"rules": [{"site": "hq", "uploadKbps": 500}]}')
  writeFileSync(paths.asnDatabase!, asn(64_500))
  writeFileSync(
    paths.countryDatabase!,
    writeMmdb('GeoLite2-Country', [['192.0.0.0/8', { country: { iso_code: 'FR' } }]]),
  )
  applied = { sites: [], rules: [], locate: nowhere, changes: 0 }
  logged = []
  following = null
})
afterEach(() => {
  following?.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('the operator’s files', () => {
  test('apply at the start and whenever one changes; a bad one changes nothing and is reported', async () => {
    following = followOperatorFiles(paths, tracker, entry => logged.push(entry))
    expect(applied.sites).toEqual(['vpn', 'hq'])
    expect(applied.rules).toEqual([{ site: 'hq', policy: { uploadKbps: 500 } }])
    expect(applied.locate(at('192.0.2.1'))).toEqual({ asn: '64500', country: 'FR' })

    writeFileSync(paths.sites!, 'site,cidr\nlab,10.3.0.0/16\n')
    writeFileSync(paths.policies!, '{"rules": []}')
    writeFileSync(paths.asnDatabase!, asn(64_501))
    await vi.waitFor(() => {
      expect(applied.sites).toEqual(['lab'])
      expect(applied.rules).toEqual([])
      expect(applied.locate(at('192.0.2.1'))).toEqual({ asn: '64501', country: 'FR' })
    }, 10_000)
    expect(errors()).toEqual([])

    const { changes } = applied
    writeFileSync(paths.sites!, 'site,cidr\nlab,10.3.0.0/16\nx,10.4.0.0/99\n')
    writeFileSync(paths.policies!, '{"rules": [{"mode": "off"}, {"mode": "on"}]}')
    writeFileSync(paths.asnDatabase!, asn(64_502).subarray(0, 60))
    await vi.waitFor(() => expect(errors()).toHaveLength(3), 10_000)
    expect(errors().join('\n')).toMatch(/line 3: .*needs a prefix length[\s\S]*stays in force/)
    expect(errors().join('\n')).toContain('rule 2: "mode" is none of')
    expect(errors().join('\n')).toContain('is no MMDB file')
    expect(applied.changes).toBe(changes)
    expect(applied.locate(at('192.0.2.1')).asn).toBe('64501')

    rmSync(paths.policies!)
    await vi.waitFor(() => expect(errors().at(-1)).toContain('cannot read'), 10_000)
    expect(applied.changes).toBe(changes)
  }, 45_000)

  test('that are bad at the start are an error that names them', () => {
    writeFileSync(paths.asnDatabase!, 'site,cidr\n')
    expect(() => readOperatorFiles(paths)).toThrow(expect.objectContaining({ reason: 'bad-database' }))
    writeFileSync(paths.policies!, '{"rules": [{"sites": "hq"}]}')
    expect(() => readOperatorFiles(paths)).toThrow(
      /policies\.json has errors:\n {2}rule 1: "sites" is unknown/,
    )
    expect(() => readOperatorFiles({ ...paths, sites: join(folder, 'none.csv') })).toThrow(
      /cannot read .*none\.csv/,
    )
  })

  test('of policies is replaced in one step, and read back as it was', () => {
    const rules = [{ site: 'hq', rollout: 5, policy: { mode: 'leech' as const } }]
    savePolicies(paths.policies!, rules)
    expect(readOperatorFiles(paths).rules).toEqual(rules)
    expect(readdirSync(folder).filter(name => name.includes('policies'))).toEqual(['policies.json'])
    expect(readFileSync(paths.policies!, 'utf8')).toMatch(/\n$/)
  })
})

describe('explain', () => {
  const explained = (text: string) => {
    const { lines, json } = explain(at(text), paths, readOperatorFiles(paths))
    return { text: lines.join('\n'), json }
  }

  test('says which row decides, which others cover the address, and which rules apply', () => {
    const vpn = explained('10.2.9.7')
    expect(vpn.text).toContain('line 2, 10.2.9.0/24, site "vpn", is the first row')
    expect(vpn.text).toContain('line 3, 10.2.0.0/16, "hq", covers it too, but comes later')
    expect(vpn.text).toContain('Its group: site "vpn". It meets nobody else.')
    expect(vpn.json).toMatchObject({
      site: 'vpn',
      line: 2,
      policy: { mode: 'leech', wan: 'deny', uploadKbps: 0 },
    })
    const hq = explained('10.2.1.1')
    expect(hq.text).toContain('the rule for site "hq" applies to it: {"site":"hq","uploadKbps":500}')
    expect(hq.json).toMatchObject({ site: 'hq', policy: { uploadKbps: 500 } })
  })

  test('says what holds where no row does: provider, country, and the levels by which others are met', () => {
    const { text, json } = explained('192.0.2.9')
    expect(text).toContain('no row of')
    expect(text).toContain(
      'It meets others by: public address, then /24, then AS64500, then FR, then anywhere.',
    )
    expect(json).toMatchObject({ site: null, group: 'public address', asn: '64500', country: 'FR' })
    expect(explained('2001:db8::1').json).toMatchObject({
      group: 'public /64',
      levels: ['/64', '/56'],
      asn: null,
    })
  })
})
