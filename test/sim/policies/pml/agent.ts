import type { PeerId } from '../../../../peer-core/src/core/messages.ts'
import type { Link } from '../../network.ts'
import type { Agent, Surroundings } from '../../policy.ts'
import { createLoader, type Loader } from './loader.ts'
import type { Rules } from './rules.ts'
import type { Message } from './wire.ts'

/** `p2pChurnCleanupIntervalMs`. */
const pruneEveryMs = 30_000

/**
 * One viewer's p2p-media-loader: a loader a track. The real one joins a swarm and opens connections for each track;
 * here the tracks of a pair share a link, which spares the rival the second handshake. Init segments are not
 * shared: they pass by it.
 */
export function createPmlAgent(
  surroundings: Surroundings,
  storeBytes: number,
  createRules: () => Rules,
): Agent {
  const { station, edge, books, stream } = surroundings
  const { clock } = station
  const links = new Map<PeerId, Link>()
  let closed = false

  const drop = (peer: PeerId): void => {
    const link = links.get(peer)
    if (link === undefined) return
    forget(peer)
    link.close('dropped')
  }

  const forget = (peer: PeerId): void => {
    links.delete(peer)
    for (const loader of loaders.values()) loader.leave(peer)
  }

  const loaders = new Map<string, Loader>(
    stream.tracks.map(track => [track, createLoader(track, createRules(), surroundings, storeBytes, drop)]),
  )
  const loaderOf = (track: string): Loader => {
    const loader = loaders.get(track)
    if (loader === undefined) throw new Error(`no loader for ${track}`)
    return loader
  }
  const pruning = createRules()
  const prune = (): void => {
    clock.after(pruneEveryMs, () => {
      if (closed) return
      for (const peer of pruning.prune(loaderOf(stream.tracks[0]!).neighbours(), clock.now())) drop(peer)
      prune()
    })
  }
  prune()

  return {
    setPlaylist: (track, playlist) => loaderOf(track).setPlaylist(playlist),
    setPosition(position) {
      for (const loader of loaders.values()) loader.setPosition(position)
    },
    want(want) {
      const { segment } = want
      if (segment.seq >= 0) return loaderOf(segment.track).want(want)
      const request = edge.fetch({
        what: 'media',
        segment,
        bytes: segment.size,
        onData: bytes => books.useful(station, 'edge', bytes),
        onDone: () => want.onDelivered({ origin: 'edge', edgeBytes: segment.size, peerBytes: 0 }),
        onFail: trouble => want.onFailed(`edge-${trouble}`),
      })
      return { cancel: () => request.abort() }
    },
    linkOpened(link) {
      links.set(link.peer, link)
      for (const loader of loaders.values()) loader.join(link)
      link.listen({
        onPacket(body) {
          const message = body as Message
          if (!closed) loaderOf(message.track).receive(link.peer, message)
        },
        onDrained() {
          for (const loader of loaders.values()) loader.drained(link.peer)
        },
        onClose() {
          if (links.get(link.peer) === link) forget(link.peer)
        },
      })
    },
    setPolicy() {},
    close() {
      closed = true
      for (const loader of loaders.values()) loader.close()
    },
  }
}
