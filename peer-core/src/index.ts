export { createHasher, type HasherKind } from './adapters/hasher/create.ts'
export { createIdbStore, type IdbStoreOptions } from './adapters/idb-store.ts'
export { createMemoryLinks, type MemoryLinkOptions, type MemoryLinks } from './adapters/memory-link.ts'
export { createMemoryStore } from './adapters/memory-store.ts'
export { createTimerClock } from './adapters/timer-clock.ts'
export type { TokenSource } from './adapters/tracker-client/join-token.ts'
export { createTrackerClient, type TrackerClientOptions } from './adapters/tracker-client.ts'
export type * from './adapters/transport/connection.ts'
export {
  createMemoryConnections,
  createMemoryNetwork,
  type MemoryConnection,
  type MemoryNetworkOptions,
} from './adapters/transport/memory.ts'
export {
  createSimplePeerTransport,
  type SimplePeerTransportOptions,
} from './adapters/transport/simple-peer.ts'
export { createLink, type LinkOptions, type LinkOutcome } from './adapters/wire/link.ts'
export type * from './core/events.ts'
export type * from './core/messages.ts'
export { blockBytes, runBytes } from './core/messages.ts'
export { type ReplayResult, replayTrace } from './core/trace.ts'
export { createSwarm, type SwarmOptions } from './host.ts'
export { contentId } from './identity/content-id.ts'
export { identityVersion, infoHash } from './identity/info-hash.ts'
export { createPeerId } from './identity/peer-id.ts'
export {
  type IdentityHook,
  type IdentityRules,
  type SegmentPlace,
  segmentKey,
  trackPath,
} from './identity/segment-key.ts'
export { knownTokenParams } from './identity/token-params.ts'
export { parseAttributes } from './integrity/attribute-list.ts'
export * from './integrity/digest-sidecar.ts'
export {
  type DigestTable,
  digestOfInit,
  initKey,
  noDigests,
  type SegmentDigest,
} from './integrity/digest-table.ts'
export * from './integrity/digest-tags.ts'
export { equalBytes, fromHex, toHex } from './integrity/hex.ts'
export * from './integrity/merkle.ts'
export * from './integrity/playlist-scan.ts'
export { createMesh, type MeshOptions } from './mesh.ts'
export type * from './ports.ts'
export type { OwnReport } from './signalling/report.ts'
export * from './swarm.ts'
export { type Playback, Tally } from './tally.ts'
