/** Why a load was left to the player's own loader. Everything here is playback exactly as without us. */
export type PlainReason =
  | 'no-player' // this hls.js instance is not ours to help (an interstitial's, or a second one)
  | 'no-content' // nothing names the content for other viewers
  | 'no-consent' // the viewer has not agreed (yet)
  | 'mode-off' // the site owner's stance
  | 'policy-off' // the tracker's kill switch
  | 'no-webrtc' // the browser cannot connect to peers
  | 'no-tracker' // none configured
  | 'starting' // the swarm is being set up
  | 'failed' // the swarm could not be set up
  | 'closed' // destroyed, or switched off on the way
  | 'part' // LL-HLS partial segment: not shared yet
  | 'bitrate-test' // hls.js measures the line with it
  | 'unknown-playlist' // not listed by a playlist we follow (interstitials, I-frames)
  | 'unshareable' // no http(s) URL
  | 'edge-status' // the edge refuses it: the player shall see its answer
  | 'fallback' // something of ours failed on the way

/** Names what the player loaded itself, the same for all viewers: hosts differ, and tokens in the query. */
export function plainName(fragment: {
  readonly url?: string | null
  readonly byteRange?: readonly unknown[]
}): string {
  return `plain ${fragment.url?.replace(/^\w+:\/\/[^/]*|[?#].*/g, '')} ${fragment.byteRange}`
}

export interface PlainLoads {
  readonly fragments: number
  readonly bytes: number
}

/** One sentence a reason, for people. */
export const plainSentence: Readonly<Record<PlainReason, string>> = {
  'no-player': 'Loaded by a player instance that Nearcast does not follow.',
  'no-content': 'Nothing names the content for other viewers: set contentId.',
  'no-consent': 'The viewer has not agreed to sharing.',
  'mode-off': 'Sharing is switched off for this page.',
  'policy-off': "Sharing is switched off by the tracker's policy.",
  'no-webrtc': 'This browser has no WebRTC data channels.',
  'no-tracker': 'No tracker is configured.',
  starting: 'The swarm was still being set up.',
  failed: 'The swarm could not be set up.',
  closed: 'Nearcast was destroyed, or switched off on the way.',
  part: 'LL-HLS partial segments come from the edge: they are not shared yet.',
  'bitrate-test': 'hls.js measures the line with this segment.',
  'unknown-playlist': 'Not listed by a playlist of this content (an interstitial, for one).',
  unshareable: 'The segment has no http(s) URL.',
  'edge-status': 'The edge refused it; the player asks itself, to see the answer.',
  fallback: 'Nearcast failed on the way; the player loaded it itself.',
}
