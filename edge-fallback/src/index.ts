export { createEdgeSource } from './source/edge-source.ts'
export type { FetchContext, FetchSetup } from './source/fetch-get.ts'
export {
  createLoaderEdge,
  type LoaderEdgeOptions,
  type PlayerLoader,
  type PlayerLoaderCallbacks,
  type PlayerLoaderConfig,
  type PlayerLoaderContext,
} from './source/loader-edge.ts'
export type { AttemptReport, EdgeSourceOptions, FetchSourceOptions } from './source/options.ts'
export { systemTimers, type Timers } from './source/timers.ts'
