import { describe, expect, test } from 'vitest'
import { isSameLink, networkOf } from './network-of.ts'
import { linkStats } from './stats.ts'

describe('the network of an address', () => {
  test.each([
    ['10.2.3.4', 'private', '10.2.3'],
    ['172.31.0.9', 'private', '172.31.0'],
    ['192.168.1.20', 'private', '192.168.1'],
    ['172.32.0.9', 'public', null],
    ['100.64.0.1', 'public', null],
    ['203.0.113.7', 'public', null],
    ['127.0.0.1', 'private', null],
    ['fd00::1', 'private', null],
    ['fe80::1', 'private', null],
    ['2001:db8::1', 'public', null],
    ['0d1c.local', null, null],
    ['', null, null],
    [undefined, null, null],
  ])('%s', (address, scope, lan) => {
    expect(networkOf(address)).toEqual({ scope, lan })
  })

  test('two addresses are of one link by /64 and /24', () => {
    expect(isSameLink('2001:db8:0:1::5', '2001:db8:0:1:aaaa:bbbb:cccc:dddd')).toBe(true)
    expect(isSameLink('2001:db8:0:1::5', '2001:db8:0:2::5')).toBe(false)
    expect(isSameLink('203.0.113.7', '203.0.113.200')).toBe(true)
    expect(isSameLink('203.0.113.7', '2001:db8::1')).toBe(false)
  })
})

describe('what a link is said to run over', () => {
  const report = (local: object, remote: object) => [
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    {
      id: 'P',
      type: 'candidate-pair',
      localCandidateId: 'L',
      remoteCandidateId: 'R',
      currentRoundTripTime: 0.002,
    },
    { id: 'L', type: 'local-candidate', ...local },
    { id: 'R', type: 'remote-candidate', ...remote },
  ]

  test.each([
    ['hidden by the browser', { candidateType: 'host' }, { candidateType: 'host' }, 'host-host'],
    [
      'learnt from a STUN server inside the LAN',
      { candidateType: 'srflx', address: '10.0.0.1' },
      { candidateType: 'prflx', address: '10.0.7.1' },
      'host-host',
    ],
    [
      'hairpinned by a NAT',
      { candidateType: 'host', address: '10.0.0.1' },
      { candidateType: 'srflx', address: '203.0.113.7' },
      'host-srflx',
    ],
    [
      'two servers on the public internet, each with an address of its own',
      { candidateType: 'host', address: '203.0.113.7' },
      { candidateType: 'host', address: '198.51.100.7' },
      'public-public',
    ],
    [
      'two hosts of one IPv6 link',
      { candidateType: 'host', address: '2001:db8::1' },
      { candidateType: 'host', address: '2001:db8::2' },
      'host-host',
    ],
    ['not to be told', { candidateType: 'host' }, { candidateType: 'prflx' }, 'host-prflx'],
  ])('%s', (_, local, remote, pair) => {
    const stats = linkStats(report(local, remote))
    expect(`${stats?.local}-${stats?.remote}`).toBe(pair)
  })
})
