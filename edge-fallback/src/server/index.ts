export type { AccessEntry, AccessLog } from './access-log.ts'
export { createEdge, type EdgeOptions, type EdgeServer } from './create-edge.ts'
export type { Fault, FaultHook, FaultQuest } from './faults.ts'
export { type Listening, listen } from './listen.ts'
export { createLiveChannel, type LiveChannelOptions } from './live/channel.ts'
export type { OriginOptions } from './origin/origin.ts'
export {
  createDirectoryDigester,
  type DigestDirectoryOptions,
  type DigestProgress,
  type DigestSummary,
  type DirectoryDigester,
} from './publish/digest-directory.ts'
export { type WatchOptions, watchDirectory } from './publish/watch-directory.ts'
export type { Library, Quest, Refusal, Resource } from './resource.ts'
export { queryFolder } from './shelf.ts'
