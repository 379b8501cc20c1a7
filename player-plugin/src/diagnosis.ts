import type { Integrity, LinkStats, MeshState, Mode, SwarmSnapshot } from '@nearcast/peer-core'
import type { NearcastState } from './state.ts'

/** Everything a verdict may rest on. */
export interface Evidence {
  readonly state: NearcastState
  readonly mode: Mode
  readonly policyMode: Mode
  readonly integrity: Integrity
  readonly digests: SwarmSnapshot['verification']['digests']
  readonly peers: number
  readonly routes: readonly LinkStats[]
  readonly mesh: MeshState | null
  /** Whether any STUN server is configured or was recommended. */
  readonly stun: boolean
  readonly localNetworkAccess: 'granted' | 'prompt' | 'denied' | 'unsupported'
  readonly secureContext: boolean
  readonly player: boolean
  readonly error: string | null
}

export type Verdict =
  | 'ok'
  | 'closed'
  | 'no-player'
  | 'no-content'
  | 'no-consent'
  | 'mode-off'
  | 'policy-off'
  | 'no-webrtc'
  | 'no-tracker'
  | 'tracker-unreachable'
  | 'tracker-refused'
  | 'failed'
  | 'no-digests'
  | 'connecting'
  | 'alone'
  | 'local-network-denied'
  | 'local-network-prompt'
  | 'mdns-blocked'
  | 'udp-blocked'
  | 'ice-failed'
  | 'no-answer'

export interface Diagnosis {
  readonly verdict: Verdict
  /** What is the matter, in one sentence. */
  readonly summary: string
  /** What to do about it, in one sentence; '' when nothing is. */
  readonly remedy: string
  /** Things that are no failure but cost something. */
  readonly notes: readonly string[]
  readonly evidence: Evidence
}

/** Why there are no peers, or that there are. Pure: the same evidence gives the same verdict. */
export function diagnose(evidence: Evidence): Diagnosis {
  const verdict = verdictOf(evidence)
  const [summary, remedy] = sentences[verdict]
  return { verdict, summary, remedy, notes: notesOf(evidence), evidence }
}

/** The same in one word. */
export function verdictOf(evidence: Evidence): Verdict {
  const { state, mesh } = evidence
  switch (state.type) {
    case 'closed':
      return 'closed'
    case 'idle':
      return evidence.player ? 'no-content' : 'no-player'
    case 'consenting':
    case 'refused':
      return 'no-consent'
    case 'plain':
      return state.reason
    case 'starting':
      return 'connecting'
    case 'running':
      break
  }
  if (evidence.policyMode === 'off') return 'policy-off'
  // Peers or not, nothing of theirs would be played.
  if (evidence.integrity === 'required' && evidence.digests === 'absent') return 'no-digests'
  if (evidence.peers > 0) return 'ok'
  if (!mesh) return 'connecting'
  switch (mesh.tracker) {
    case 'refused':
      return 'tracker-refused'
    case 'lost':
      return 'tracker-unreachable'
    case 'off':
      return 'no-tracker'
    case 'connecting':
      return mesh.trackerError ? 'tracker-unreachable' : 'connecting'
    case 'open':
      return dialVerdict(evidence, mesh)
  }
}

/** What dials say while no link is open and the tracker answers. */
export function dialVerdict(
  { localNetworkAccess, stun }: Pick<Evidence, 'localNetworkAccess' | 'stun'>,
  { dials, candidates, group }: MeshState,
): Verdict {
  const failed = dials.iceFailed + dials.noAnswer + dials.protocolError
  if (dials.started === 0) return group && group.size > 1 ? 'connecting' : 'alone'
  if (failed === 0) return dials.open > 0 && group !== null && group.size <= 1 ? 'alone' : 'connecting'
  if (localNetworkAccess === 'denied') return 'local-network-denied'
  if (dials.iceFailed === 0) return 'no-answer'
  if (localNetworkAccess === 'prompt' && !candidates.includes('host')) return 'local-network-prompt'
  // No interface for UDP at all: a policy, an extension, or no route.
  if (candidates.length === 0) return 'udp-blocked'
  const reflexive = candidates.includes('srflx') || candidates.includes('relay')
  // Host names in multicast DNS are all the others got. A STUN server that answers would have given a reflexive
  // candidate too: where there is one, UDP does not come back.
  if (!reflexive && candidates.includes('mdns')) return stun ? 'udp-blocked' : 'mdns-blocked'
  return 'ice-failed'
}

function notesOf({ secureContext, mode, policyMode, localNetworkAccess, mesh }: Evidence): readonly string[] {
  const notes: string[] = []
  if (!secureContext) {
    notes.push(
      'The page is not a secure context: hashing runs in WebAssembly or JavaScript, slower than the browser.',
    )
  }
  if (mode === 'leech' || policyMode === 'leech')
    notes.push('This viewer takes from others and gives nothing (leech).')
  if (localNetworkAccess === 'prompt') {
    notes.push('The browser may ask for permission to reach devices on the local network.')
  }
  if (mesh && mesh.tracker === 'lost') notes.push('The tracker is gone; links that are open go on.')
  return notes
}

const sentences: Readonly<Record<Verdict, readonly [summary: string, remedy: string]>> = {
  ok: ['Connected to peers.', ''],
  closed: ['Nearcast was destroyed.', 'Create it again.'],
  'no-player': [
    'No player uses Nearcast.',
    'Spread nearcast.hlsConfig() into new Hls({…}), or call nearcast.attach(hls).',
  ],
  'no-content': [
    'Nothing names the content for other viewers.',
    'Load a manifest with an http(s) URL, or set contentId.',
  ],
  'no-consent': [
    'The viewer has not agreed to sharing.',
    'Resolve the consent hook with true once they did.',
  ],
  'mode-off': ['Sharing is switched off on this page.', "Call nearcast.setMode('share')."],
  'policy-off': [
    "The tracker's policy switches sharing off for this network.",
    'Ask the operator of the tracker, who can allow it in the site file.',
  ],
  'no-webrtc': [
    'This browser offers no WebRTC: it is old, or an administrator switched it off.',
    'Allow WebRTC in the browser policy.',
  ],
  'no-tracker': [
    'No tracker is configured, so there is nobody to ask for peers.',
    'Set tracker to its wss:// URL.',
  ],
  'tracker-unreachable': [
    'The tracker cannot be reached.',
    'Check its URL, that https pages use wss://, and that the proxy lets WebSockets through.',
  ],
  'tracker-refused': [
    'The tracker answered, and refused this viewer.',
    'Look at mesh.trackerError in the evidence for its reason.',
  ],
  failed: ['The swarm could not be set up.', 'Look at error in the evidence, and at the warning event.'],
  'no-digests': [
    'integrity is "required" and the publisher gives no digests, so everything comes from the edge.',
    'Publish digests (nearcast-edge digest), or set integrity to "prefer".',
  ],
  connecting: ['Peers are being looked for.', 'Wait a few seconds and ask again.'],
  alone: [
    'The tracker knows no other viewer of this content now.',
    'Open the page in a second window to see it work.',
  ],
  'local-network-denied': [
    'The browser may not reach devices on the local network: the permission was denied.',
    'Allow local network access for this page, or by policy in managed browsers.',
  ],
  'local-network-prompt': [
    'The browser hides local addresses until the permission for local network access is given.',
    'Let the page ask for the permission, or grant it by policy in managed browsers.',
  ],
  'mdns-blocked': [
    'The network drops multicast DNS, so the host names that browsers exchange cannot be resolved.',
    "Run the tracker's STUN inside this network, or let multicast (UDP 5353) pass between clients.",
  ],
  'udp-blocked': [
    'The STUN server does not answer: UDP is blocked.',
    'Let UDP to the STUN server and between clients pass.',
  ],
  'ice-failed': [
    'Peers were found, and no connection to them came about: client isolation, a firewall, or strict NAT.',
    'Allow UDP between clients of this network, or add a TURN server.',
  ],
  'no-answer': [
    'Peers were named, and none answered: they left, or their pages are frozen.',
    'Wait for the next announce, or check the other viewers.',
  ],
}
