import { createNearcast } from '@nearcast/player-plugin'
import Hls, { type HlsConfig } from 'hls.js'
import type { SubjectFactory } from './subject.ts'

/** As a site owner adds it: the tracker's URL and nothing else. */
export const createPeerAssisted: SubjectFactory = ({ hls, tracker }) => {
  const nearcast = createNearcast({ tracker })
  const warnings: string[] = []
  nearcast.on('warning', ({ reason, message }) => warnings.push(`${reason}: ${message}`))
  return {
    hls: new Hls({ ...hls, ...(nearcast.hlsConfig() as Partial<HlsConfig>) }),
    links: () => nearcast.snapshot().swarm?.peers.length ?? 0,
    bytes() {
      const { edge = 0, group = 0, outside = 0 } = nearcast.snapshot().swarm?.bytes ?? {}
      return { edge, peers: group + outside }
    },
    async detail() {
      const { verdict, summary } = await nearcast.diagnose()
      const { swarm, edge, plain, copies, p2pShare } = nearcast.snapshot()
      return {
        verdict,
        summary,
        copies,
        p2pShare,
        edge,
        plain,
        warnings,
        bytes: swarm?.bytes,
        policy: swarm?.policy,
        group: swarm?.mesh.group,
        dials: swarm?.mesh.dials,
        routes: swarm?.peers.map(({ route, place, rttMs }) => ({ route, place, rttMs })),
        verification: swarm?.verification,
        fetches: swarm?.edgeFetches,
      }
    },
  }
}
