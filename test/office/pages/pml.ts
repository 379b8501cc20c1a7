import Hls from 'hls.js'
import type { CoreConfig } from 'p2p-media-loader-core'
import { HlsJsP2PEngine } from 'p2p-media-loader-hlsjs'
import type { SubjectFactory } from './subject.ts'

/** p2p-media-loader with its defaults; live, it plays as far behind as the playlist allows. */
export const createDefault: SubjectFactory = surroundings => create(surroundings, {}, {})

/** At the player's own latency, where the default window makes every segment urgent: the window shrinks with it. */
export const createTuned: SubjectFactory = surroundings =>
  create(
    surroundings,
    { liveSyncDurationCount: 3 },
    { highDemandTimeWindow: 3, simultaneousHttpDownloads: 1 },
  )

function create(
  { hls, tracker, stun }: Parameters<SubjectFactory>[0],
  player: object,
  tuning: Partial<CoreConfig>,
): ReturnType<SubjectFactory> {
  const WithPeers = HlsJsP2PEngine.injectMixin(Hls)
  let edge = 0
  let peers = 0
  let links = 0
  const instance = new WithPeers({
    ...hls,
    ...player,
    p2p: {
      core: {
        announceTrackers: [tracker],
        rtcConfig: { iceServers: stun.map(urls => ({ urls })) },
        ...tuning,
      },
      onHlsJsCreated({ p2pEngine }) {
        p2pEngine.addEventListener('onChunkDownloaded', (bytes, source) => {
          if (source === 'http') edge += bytes
          else peers += bytes
        })
        p2pEngine.addEventListener('onPeerConnect', () => links++)
        p2pEngine.addEventListener('onPeerClose', () => links--)
      },
    },
  })
  return {
    hls: instance as unknown as Hls,
    links: () => links,
    bytes: () => ({ edge, peers }),
    detail: async () => null,
  }
}
