import { type OwnReport, writeReport } from '@nearcast/peer-core/signalling'
import { describe, expect, it } from 'vitest'
import { reportOf } from '../reports/report-lab.ts'
import { createReports } from '../reports/reports.ts'
import { readSites } from '../sites/read-sites.ts'
import { createLab, idOf } from './lab.ts'

function labWithReports(sites = '') {
  const reports = createReports()
  const lab = createLab({ reports, contentNames: new Map([[idOf('film'), 'Town hall']]) })
  const read = readSites(`site,cidr,mode\n${sites}`)
  if (read.ok) lab.registry.setSites(read.table)
  const rows = () => reports.snapshot(lab.now()).rows
  return { lab, reports, rows }
}

const report = (peer: string, given: Partial<OwnReport>, swarm = 'film') =>
  writeReport({ infoHash: idOf(swarm), peerId: idOf(peer), report: reportOf(given as object) })

describe('reports over sockets', () => {
  it('are asked for only where the operator wants them', () => {
    const { lab } = labWithReports()
    const client = lab.open('10.1.0.1')
    client.announce('a', { ours: {} })
    expect(client.heard()[0]).toMatchObject({ extras: { reportMs: 10_000 } })
    const plain = createLab()
    const other = plain.open('10.1.0.1')
    other.announce('a', { ours: {} })
    expect(other.heard()[0]).not.toHaveProperty('extras.reportMs')
    other.sayText(report('a', { edge: 5 }))
    expect([other.heard(), other.closed()]).toEqual([[], null])
  })

  it('count at the site the tracker sees, under the name the operator gave, and are not answered', () => {
    const { lab, rows } = labWithReports('office,10.1.0.0/16,share\n')
    const client = lab.open('10.1.0.1')
    client.announce('a', { ours: {} })
    client.heard()
    client.sayText(report('a', { edge: 5_000 }))
    expect(client.heard()).toEqual([])
    expect(rows()).toMatchObject([
      { place: { kind: 'site', name: 'office' }, content: 'Town hall', viewers: 1, edgeBytes: 5_000 },
    ])
  })

  it('count for nobody else: neither from another socket, nor for another peer, swarm or site', () => {
    const { lab, rows } = labWithReports('office,10.1.0.0/16,share\n')
    const victim = lab.open('10.1.0.1')
    victim.announce('a', { ours: {} })
    victim.sayText(report('a', { edge: 1_000 }))
    const forger = lab.open('198.51.100.9')
    forger.sayText(report('a', { edge: 9_000_000, outside: 9_000_000 }))
    forger.announce('z', { ours: {} })
    forger.sayText(report('a', { edge: 9_000_000 }))
    forger.sayText(report('z', { edge: 9_000_000 }, 'other film'))
    forger.sayText(
      JSON.stringify({
        ...JSON.parse(report('z', { edge: 7 })),
        site: 'office',
        nearcast: { v: 1, network: { site: 'office' }, report: { ...reportOf({ edge: 7 }), site: 'office' } },
      }),
    )
    expect(rows()).toMatchObject([
      { place: { name: 'office' }, viewers: 1, edgeBytes: 1_000 },
      { place: { kind: 'network' }, viewers: 1, edgeBytes: 7 },
    ])
  })

  it('show neither address nor info hash of what the operator did not name', () => {
    const { lab, rows } = labWithReports()
    const client = lab.open('203.0.113.7')
    client.announce('a', { swarm: 'secret film', ours: {} })
    client.sayText(report('a', { edge: 7 }, 'secret film'))
    const [row] = rows()
    expect(row?.place.name).toMatch(/^[0-9a-f]{6}$/)
    expect(row?.content).toMatch(/^[0-9a-f]{6}$/)
    expect(JSON.stringify(row)).not.toMatch(/203\.0\.113|secret/)
  })

  it('do not count twice when a viewer comes back on another socket', () => {
    const { lab, rows } = labWithReports('office,10.1.0.0/16,share\n')
    const before = lab.open('10.1.0.1')
    before.announce('a', { ours: {} })
    lab.pass(20_000)
    before.sayText(report('a', { ageMs: 20_000, edge: 5_000_000 }))
    before.close()
    const after = lab.open('10.1.0.1')
    after.announce('a', { ours: {} })
    after.sayText(report('a', { ageMs: 21_000, edge: 5_100_000 }))
    lab.pass(10_000)
    after.sayText(report('a', { ageMs: 31_000, edge: 5_600_000 }))
    expect(rows()).toMatchObject([{ viewers: 1, edgeBytes: 5_500_000 }])
  })

  it('end with the membership', () => {
    const { lab, reports, rows } = labWithReports()
    const client = lab.open('10.1.0.1')
    client.announce('a', { ours: {} })
    client.sayText(report('a', { edge: 7 }))
    client.announce('a', { event: 'stopped', ours: {} })
    expect(rows()).toMatchObject([{ viewers: 0, edgeBytes: 7 }])
    expect(reports.snapshot(lab.now()).members).toBe(0)
  })

  it.each([
    ['no report at all', 7],
    ['an empty one', {}],
    ['negative sums', { ...reportOf(), edge: -1 }],
    ['sums without end', { ...reportOf(), edge: 1e300 }],
    ['fractions', { ...reportOf(), edge: 0.5 }],
    ['texts', { ...reportOf(), edge: '7' }],
    ['a sum that is missing', { ...reportOf(), watched: undefined }],
  ])('are refused when they are %s, and the socket lives on', (_, value) => {
    const { lab, reports, rows } = labWithReports()
    const client = lab.open('10.1.0.1')
    client.announce('a', { ours: {} })
    client.heard()
    client.say({
      action: 'announce',
      info_hash: idOf('film'),
      peer_id: idOf('a'),
      nearcast: { report: value },
    })
    expect(rows()).toEqual([])
    expect(reports.counts).toEqual({ taken: 0, rejected: 0, refused: 1 })
    expect([client.heard(), client.closed()]).toEqual([[], null])
  })

  it('cost the sender its rate limit like any message', () => {
    const { lab, reports } = labWithReports()
    const client = lab.open('10.1.0.1')
    client.announce('a', { ours: {} })
    for (let i = 0; i < 1_000; i++) client.sayText(report('a', { edge: i }))
    expect(reports.counts.taken).toBeLessThanOrEqual(60)
    expect(client.closed()).toBe(1008)
  })
})
