export { HeadlessError, type HeadlessReason } from './headless-error.ts'
export type { HeadlessOptions, HeadlessRole } from './headless-options.ts'
export {
  createHeadlessPeer,
  type HeadlessListeners,
  type HeadlessPeer,
  type HeadlessProblem,
  type SegmentListener,
  type TakenSegment,
} from './headless-peer.ts'
export type { HeadlessReport, PlaybackReport, SeedReport } from './headless-report.ts'
export type { RenditionChoice } from './multivariant.ts'
