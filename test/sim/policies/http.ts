import type { Agent, Policy } from '../policy.ts'

/** The plain player: every viewer takes everything from the edge. */
export const http: Policy = {
  name: 'http',
  peers: false,
  createAgent: ({ station, edge, books }): Agent => ({
    setPlaylist() {},
    setPosition() {},
    want(want) {
      const { segment } = want
      let loaded = 0
      const request = edge.fetch({
        what: 'media',
        segment,
        bytes: segment.size,
        onData(bytes) {
          books.useful(station, 'edge', bytes)
          loaded += bytes
          want.onProgress(loaded)
        },
        onDone: () => want.onDelivered({ origin: 'edge', edgeBytes: segment.size, peerBytes: 0 }),
        onFail: trouble => want.onFailed(`edge-${trouble}`),
      })
      return { cancel: () => request.abort() }
    },
    linkOpened() {},
    setPolicy() {},
    close() {},
  }),
}
