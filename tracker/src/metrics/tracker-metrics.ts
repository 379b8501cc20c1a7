import type { GroupSizes } from '../registry/group-sizes.ts'
import type { RegistryStats } from '../registry/registry.ts'
import type { ReportCounts } from '../reports/reports.ts'
import type { Readiness } from '../server/readiness.ts'
import type { SocketCounters } from '../server/socket-counters.ts'
import type { StunCounters } from '../stun/stun-server.ts'
import { level, type MetricsSource, total } from './metrics.ts'

/** What the registry counts. No label holds an address, an info_hash or a peer_id: their number has no bound. */
export function registryMetrics(stats: () => RegistryStats, groupSizes: () => GroupSizes): MetricsSource {
  return register => {
    level(register, 'nearcast_connections', 'Open sockets.', () => stats().connections)
    level(register, 'nearcast_swarms', 'Swarms with at least one peer.', () => stats().swarms)
    level(register, 'nearcast_peers', 'Peers in all swarms.', () => stats().peers)
    level(
      register,
      'nearcast_open_offers',
      'Relayed offers that may still be answered.',
      () => stats().openOffers,
    )
    total(register, 'nearcast_messages_total', 'Frames received.', () => stats().messages)
    total(register, 'nearcast_announces_total', 'Announces taken.', () => stats().announces)
    total(register, 'nearcast_offers_total', 'Offers relayed, by the nearest thing both ends share.', [
      'level',
      () => stats().offers,
    ])
    total(register, 'nearcast_neighbours_total', 'Neighbours named to our own clients, by level.', [
      'level',
      () => stats().named,
    ])
    total(register, 'nearcast_answers_total', 'Answers, by what became of them.', [
      'result',
      () => stats().answered,
    ])
    total(
      register,
      'nearcast_candidate_messages_total',
      'Messages with ICE candidates relayed.',
      () => stats().candidates,
    )
    total(register, 'nearcast_dials_total', 'Connections that clients say they tried.', [
      'result',
      () => stats().dials,
    ])
    total(register, 'nearcast_refusals_total', 'Things not done, by reason.', [
      'reason',
      () => stats().refused,
    ])
    total(register, 'nearcast_tokens_total', 'Join tokens looked at, by what they were.', [
      'result',
      () => stats().tokens,
    ])
    total(register, 'nearcast_candidates_stripped_total', 'ICE candidates not passed on, by reason.', [
      'reason',
      () => stats().stripped,
    ])
    level(
      register,
      'nearcast_group_size_peers',
      'Peers whose group has at most `le` members, now; histogram_quantile works on it without rate().',
      [
        'le',
        () => {
          const { atMost, peers } = groupSizes()
          return Object.fromEntries([
            ...atMost.map(({ size, peers: count }) => [String(size), count]),
            ['+Inf', peers],
          ])
        },
      ],
    )
  }
}

/** What the sockets count. */
export function socketMetrics(counters: Readonly<SocketCounters>, readiness: Readiness): MetricsSource {
  return register => {
    total(register, 'nearcast_upgrades_total', 'WebSockets accepted.', () => counters.accepted)
    total(register, 'nearcast_upgrades_refused_total', 'Upgrades refused, by reason.', [
      'reason',
      () => counters.refused,
    ])
    total(register, 'nearcast_sockets_ended_total', 'Sockets that ended, by why.', [
      'why',
      () => counters.ended,
    ])
    level(register, 'nearcast_ready', '1 when viewers are welcome, as /readyz says.', () =>
      readiness.reasons().length === 0 ? 1 : 0,
    )
  }
}

/** What signalling over HTTP counts. */
export function httpSignallingMetrics(sessions: {
  readonly counters: Readonly<SocketCounters>
  readonly size: number
}): MetricsSource {
  const { counters } = sessions
  return register => {
    level(register, 'nearcast_http_sessions', 'Clients that signal over HTTP.', () => sessions.size)
    total(register, 'nearcast_http_sessions_total', 'Sessions over HTTP opened.', () => counters.accepted)
    total(register, 'nearcast_http_sessions_refused_total', 'Sessions over HTTP refused, by reason.', [
      'reason',
      () => counters.refused,
    ])
    total(register, 'nearcast_http_sessions_ended_total', 'Sessions over HTTP that ended, by why.', [
      'why',
      () => counters.ended,
    ])
  }
}

/** What STUN counts. */
export function stunMetrics(counters: Readonly<StunCounters>): MetricsSource {
  return register => {
    total(register, 'nearcast_stun_requests_total', 'STUN datagrams, by what became of them.', [
      'result',
      () => ({ ...counters }),
    ])
  }
}

/** What viewers report goes to the dashboard; here is only whether they do. */
export function reportMetrics(counts: Readonly<ReportCounts>): MetricsSource {
  return register => {
    total(
      register,
      'nearcast_reports_total',
      "Viewers' reports: taken, rejected as impossible, refused as malformed.",
      ['result', () => ({ ...counts })],
    )
  }
}
