import type { ClusterFacts } from '../cluster/cluster.ts'
import { level, type MetricsSource, total } from './metrics.ts'

/** What a machine counts of its dealings with others. No label holds a node's name: they come and go. */
export function clusterMetrics(facts: () => ClusterFacts): MetricsSource {
  return register => {
    level(register, 'nearcast_cluster_up', '1 while the other machines can be reached.', () =>
      facts().isUp ? 1 : 0,
    )
    level(register, 'nearcast_cluster_nodes', 'Machines alive, this one included.', () => facts().nodes)
    level(
      register,
      'nearcast_cluster_rows',
      'Swarms and groups that this machine has in the directory.',
      () => facts().rows,
    )
    level(
      register,
      'nearcast_cluster_guests',
      'Peers of other machines that are being introduced to peers here.',
      () => facts().guests,
    )
    level(
      register,
      'nearcast_cluster_directory_seconds',
      'How long the directory took for the last sign of life.',
      () => facts().directorySeconds,
    )
    total(
      register,
      'nearcast_cluster_directory_failures_total',
      'Requests that the directory did not answer.',
      () => facts().directoryFailures,
    )
    total(register, 'nearcast_bus_messages_total', 'Messages between machines, by direction.', [
      'direction',
      () => ({ out: facts().out.messages, in: facts().inbound.messages }),
    ])
    total(register, 'nearcast_bus_batches_total', 'Publishes that carried them.', [
      'direction',
      () => ({ out: facts().out.batches, in: facts().inbound.batches }),
    ])
    total(register, 'nearcast_bus_bytes_total', 'Bytes of those.', [
      'direction',
      () => ({ out: facts().out.bytes, in: facts().inbound.bytes }),
    ])
    total(register, 'nearcast_bus_lost_total', 'Messages, or batches that nobody heard, by why.', [
      'reason',
      () => ({
        down: facts().out.dropped,
        unheard: facts().out.unheard,
        malformed: facts().inbound.malformed,
      }),
    ])
    total(
      register,
      'nearcast_cluster_asks_total',
      'Searches for peers at other machines: sent, and what came of them.',
      ['result', () => facts().asks],
    )
    total(
      register,
      'nearcast_cluster_relays_total',
      'Descriptions and candidates to and from peers of other machines, by what became of them.',
      ['result', () => facts().relays],
    )
  }
}
