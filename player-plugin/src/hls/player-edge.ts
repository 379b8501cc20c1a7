import {
  createEdgeSource,
  createLoaderEdge,
  type FetchSetup,
  type PlayerLoader,
} from '@nearcast/edge-fallback'
import type { Edge } from '@nearcast/peer-core'
import type { HlsLike } from './hls-like.ts'

/** How many rewritten URLs are remembered; loads under way are few. */
const rewritten = 64

export interface PlayerEdge extends Edge {
  /** Requests made like this player's from now on: its authentication, its loader. */
  follow(hls: HlsLike | null): void
  /** The URL that the player would ask for now (CMCD adds a query), instead of the playlist's. */
  rewrite(url: string, asked: string): void
}

/**
 * The edge as the player itself would ask it. `fetchSetup` is honoured; a page with only `xhrSetup`, or with a
 * loader of its own, has its authentication there, which fetch would lose: then that loader does the edge part, at
 * the price that nothing can be relayed before the whole body is there.
 */
export function createPlayerEdge(baseUrls: readonly string[]): PlayerEdge {
  const urls = new Map<string, string>()
  const shared = { baseUrls, rewriteUrl: (url: string) => urls.get(url) ?? url }
  let edge = createEdgeSource(shared)
  return {
    fetch: (request, sink) => edge.fetch(request, sink),
    follow(hls) {
      const config = hls?.config
      const { fetchSetup, xhrSetup } = config ?? {}
      if (typeof fetchSetup === 'function')
        edge = createEdgeSource({ ...shared, fetchSetup: fetchSetup as FetchSetup })
      else if (config && (typeof xhrSetup === 'function' || ownLoader(hls))) {
        const createLoader = () => new config.loader(config as never) as unknown as PlayerLoader
        edge = createLoaderEdge({ ...shared, createLoader })
      } else edge = createEdgeSource(shared)
    },
    rewrite(url, asked) {
      urls.delete(url)
      if (url === asked) return
      urls.set(url, asked)
      const oldest = urls.keys().next()
      if (urls.size > rewritten && !oldest.done) urls.delete(oldest.value)
    },
  }
}

function ownLoader(hls: HlsLike | null): boolean {
  return hls?.userConfig?.loader !== undefined
}
