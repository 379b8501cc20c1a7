import { describe, expect, it } from 'vitest'
import { diagnose, type Evidence, type Verdict } from './diagnosis.ts'

const dials = { started: 0, open: 0, iceFailed: 0, noAnswer: 0, protocolError: 0 }
const mesh = {
  tracker: 'open',
  trackerError: null,
  group: { label: 'hq', level: 'site', size: 3 },
  dials,
  candidates: [],
  webrtc: true,
} as const

const evidence = (over: Partial<Evidence> = {}, net: object = {}): Evidence => ({
  state: { type: 'running', contentId: 'c' },
  mode: 'share',
  policyMode: 'share',
  integrity: 'prefer',
  digests: 'present',
  peers: 0,
  routes: [],
  mesh: { ...mesh, ...net },
  stun: true,
  localNetworkAccess: 'unsupported',
  secureContext: true,
  player: true,
  error: null,
  ...over,
})
const failed = (candidates: readonly string[]) => ({
  candidates,
  dials: { ...dials, started: 4, iceFailed: 4 },
})

const cases: readonly (readonly [string, Verdict, Evidence])[] = [
  ['peers are there', 'ok', evidence({ peers: 1 })],
  ['nobody spread the config', 'no-player', evidence({ state: { type: 'idle' }, player: false })],
  ['nothing was loaded', 'no-content', evidence({ state: { type: 'idle' } })],
  ['a blob: manifest', 'no-content', evidence({ state: { type: 'plain', reason: 'no-content' } })],
  ['the viewer was not asked yet', 'no-consent', evidence({ state: { type: 'consenting', contentId: 'c' } })],
  ['the viewer said no', 'no-consent', evidence({ state: { type: 'refused', contentId: 'c' } })],
  ['mode off', 'mode-off', evidence({ state: { type: 'plain', reason: 'mode-off' } })],
  ['kill switch', 'policy-off', evidence({ policyMode: 'off', peers: 2 })],
  ['no WebRTC', 'no-webrtc', evidence({ state: { type: 'plain', reason: 'no-webrtc' } })],
  ['no tracker set', 'no-tracker', evidence({ state: { type: 'plain', reason: 'no-tracker' } })],
  ['set up failed', 'failed', evidence({ state: { type: 'plain', reason: 'failed' } })],
  ['tracker lost', 'tracker-unreachable', evidence({}, { tracker: 'lost' })],
  [
    'tracker not reached',
    'tracker-unreachable',
    evidence({}, { tracker: 'connecting', trackerError: 'refused' }),
  ],
  ['tracker being reached', 'connecting', evidence({}, { tracker: 'connecting' })],
  ['tracker refuses', 'tracker-refused', evidence({}, { tracker: 'refused' })],
  [
    'required without digests',
    'no-digests',
    evidence({ integrity: 'required', digests: 'absent', peers: 3 }),
  ],
  ['required with digests', 'ok', evidence({ integrity: 'required', peers: 3 })],
  ['alone', 'alone', evidence({}, { group: { label: 'hq', level: 'site', size: 1 } })],
  ['others, and no dial yet', 'connecting', evidence()],
  ['dials under way', 'connecting', evidence({}, { dials: { ...dials, started: 2 } })],
  [
    'permission denied',
    'local-network-denied',
    evidence({ localNetworkAccess: 'denied' }, failed(['srflx'])),
  ],
  [
    'permission not given yet',
    'local-network-prompt',
    evidence({ localNetworkAccess: 'prompt' }, failed(['srflx'])),
  ],
  ['multicast blocked, no STUN', 'mdns-blocked', evidence({ stun: false }, failed(['mdns']))],
  ['STUN does not answer', 'udp-blocked', evidence({}, failed(['mdns']))],
  ['no candidate at all', 'udp-blocked', evidence({}, failed([]))],
  ['strict NAT or isolation', 'ice-failed', evidence({}, failed(['mdns', 'srflx']))],
  ['nobody answers', 'no-answer', evidence({}, { dials: { ...dials, started: 3, noAnswer: 3 } })],
  ['destroyed', 'closed', evidence({ state: { type: 'closed' } })],
]

describe('diagnose', () => {
  for (const [name, verdict, given] of cases) {
    it(`finds ${verdict}: ${name}`, () => {
      const found = diagnose(given)
      expect(found.verdict).toBe(verdict)
      expect(found.summary).toMatch(/\.$/)
      if (verdict !== 'ok') expect(found.remedy).toMatch(/\.$/)
      expect(found.evidence).toBe(given)
    })
  }

  it('notes what costs without failing', () => {
    const { notes } = diagnose(evidence({ peers: 1, secureContext: false, policyMode: 'leech' }))
    expect(notes).toHaveLength(2)
  })
})
