import {
  edgePort,
  lanServer,
  lanStunPort,
  plainHost,
  publicStun,
  routerAddress,
  secureHost,
  trackerPort,
} from './addresses.ts'
import type { Surroundings } from './pages/subject.ts'
import type { Scenario } from './scenario.ts'

const paths = { live: 'live/single.m3u8', vod: 'single.m3u8', 'live-ladder': 'live-ladder/ladder.m3u8' }

/** What a viewer's page is told. */
export function surroundingsOf(scenario: Scenario): Surroundings {
  const { origin, media } = scenario
  const host = origin === 'secure' ? secureHost : plainHost
  return {
    url: `http://${host}:${edgePort}/${paths[media]}`,
    tracker: `ws://${host}:${trackerPort}/`,
    stun: stunUrls(scenario),
    // hls.js takes 60 MB ahead of a recording, which is all of this one, before a second viewer has come. Left to its
    // other limit (30 s) it behaves as it does with long films.
    hls: media === 'vod' ? { maxBufferSize: 1 } : {},
  }
}

/** STUN servers that the tracker recommends. */
export function stunUrls({ sites, stun }: Scenario): string[] {
  if (stun === 'internet') return [publicStun]
  return sites.map((_, index) => `stun:${lanServer(index)}:${lanStunPort}`)
}

/** The tracker's site file; '' where the operator named nothing. */
export function siteFile({ sites, wan, lineRatio, lineStated }: Scenario, kbps: number): string {
  if (wan === 'allow' && !lineStated) return ''
  const line = lineStated ? String(Math.round(lineRatio * kbps)) : ''
  const rows = sites.map((_, index) => `site-${index},${routerAddress(index)}/32,share,${wan},,${line}`)
  return ['site,cidr,mode,wan,uploadKbps,lineKbps', ...rows].join('\n')
}
