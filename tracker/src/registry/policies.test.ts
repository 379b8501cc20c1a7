import { hexToBinary } from '@nearcast/peer-core/signalling'
import { describe, expect, test } from 'vitest'
import { parseAddress } from '../address/address.ts'
import { readSites } from '../sites/read-sites.ts'
import { Policies } from './policies.ts'

const at = (text: string) => parseAddress(text) ?? expect.unreachable()
const film = 'ab'.repeat(20)

function policies(csv: string): Policies {
  const made = new Policies({ uploadKbps: 9_000 })
  const read = readSites(csv)
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  made.setTable(read.table)
  return made
}

const of = (made: Policies, address: string, content = film, peer = 'peer') =>
  made.policyOf(made.standing(at(address)), hexToBinary(content), peer.padEnd(20, '.'))

const csv = 'site,cidr,mode,uploadKbps,maxPeers,integrity\nhq,10.0.0.0/8,leech,500,4,required\n'

describe('what applies to a viewer', () => {
  test('goes from the base over the row to rules, the particular after the general', () => {
    const made = policies(csv)
    expect(of(made, '192.0.2.1')).toMatchObject({ mode: 'share', uploadKbps: 9_000 })
    expect(of(made, '10.0.0.1')).toMatchObject({
      mode: 'leech',
      uploadKbps: 500,
      maxPeers: 4,
      integrity: 'required',
    })
    made.setRules([
      { site: 'hq', content: film, policy: { uploadKbps: 4 } },
      { site: 'hq', policy: { uploadKbps: 3, wan: 'deny' } },
      { content: film, policy: { uploadKbps: 2, lineKbps: 2 } },
      { policy: { uploadKbps: 1, lineKbps: 1 } },
    ])
    expect(of(made, '10.0.0.1')).toMatchObject({ uploadKbps: 4, wan: 'deny', lineKbps: 2, mode: 'leech' })
    expect(of(made, '10.0.0.1', 'cd'.repeat(20))).toMatchObject({ uploadKbps: 3, lineKbps: 1 })
    expect(of(made, '192.0.2.1')).toMatchObject({ uploadKbps: 2, wan: 'allow' })
    expect(of(made, '192.0.2.1', 'cd'.repeat(20))).toMatchObject({ uploadKbps: 1 })
  })

  test('is off when any rule says so, and a rule may be milder than its row', () => {
    const made = policies(csv)
    made.setRules([{ site: 'hq', policy: { mode: 'share' } }])
    expect(of(made, '10.0.0.1').mode).toBe('share')
    made.setRules([{ site: 'hq', content: film, policy: { mode: 'share' } }, { policy: { mode: 'off' } }])
    expect(of(made, '10.0.0.1').mode).toBe('off')
    expect(of(made, '192.0.2.1').mode).toBe('off')
  })

  test('rolls out to a share of the viewers that only grows, the smallest of the rollouts', () => {
    const made = policies(csv)
    const peers = Array.from({ length: 500 }, (_, i) => `peer ${i}`)
    const isOn = (peer: string) => of(made, '192.0.2.1', film, peer).mode === 'share'
    made.setRules([{ rollout: 20, policy: {} }])
    const first = peers.filter(isOn)
    expect(first.length).toBeGreaterThan(60)
    expect(first.length).toBeLessThan(140)
    made.setRules([{ rollout: 60, policy: {} }])
    expect(first.every(isOn)).toBe(true)
    expect(peers.filter(isOn).length).toBeGreaterThan(first.length)
    made.setRules([
      { rollout: 60, policy: {} },
      { content: film, rollout: 0, policy: {} },
    ])
    expect(peers.some(isOn)).toBe(false)
  })

  test('is one object for all who have it', () => {
    const made = policies(csv)
    made.setRules([{ policy: { lineKbps: 7 } }])
    expect(of(made, '10.0.0.1')).toBe(of(made, '10.0.0.2', film, 'another'))
    expect(made.standing(at('10.0.0.1')).policy).toBe(made.standing(at('10.0.0.2')).policy)
  })
})
