export { contentId } from '../identity/content-id.ts'
export { swarmText } from '../identity/info-hash.ts'
export { type BinaryId, binaryToHex, hexToBinary, isBinaryId, isHexId } from './binary.ts'
export type {
  Announce,
  AnnounceEvent,
  Answer,
  Candidates,
  ClientExtras,
  ClientMessage,
  DirectedOffer,
  Report,
  Scrape,
  SpeculativeOffer,
  WireOutcome,
} from './client-message.ts'
export {
  asCandidates,
  asFields,
  asMode,
  asText,
  asWhole,
  type Fields,
  parseJson,
} from './fields.ts'
export { isLevel, type Level, levels, placeOf } from './level.ts'
export { signallingLimits } from './limits.ts'
export {
  type ParsedClientMessage,
  parseClientMessage,
  parseClientText,
  type Refusal,
} from './parse-client.ts'
export { parseTrackerMessage, parseTrackerText } from './parse-tracker.ts'
export {
  type OwnReport,
  type Peering,
  peerings,
  type ReportSum,
  reportSums,
  type ViewerReport,
  type WatchedSegment,
} from './report.ts'
export type {
  AnnounceResponse,
  Failure,
  RelayedAnswer,
  RelayedCandidates,
  RelayedOffer,
  ScrapedSwarm,
  ScrapeResponse,
  TrackerExtras,
  TrackerMessage,
  WireBackbone,
  WireGroup,
  WireNeighbour,
  WirePolicy,
} from './tracker-message.ts'
export { writeAnnounce, writeReport, writeSignal } from './write-client.ts'
export {
  type ResponseFields,
  writeAnswer,
  writeCandidates,
  writeOffer,
  writePush,
  writeRefusal,
  writeResponse,
  writeScrape,
} from './write-tracker.ts'
