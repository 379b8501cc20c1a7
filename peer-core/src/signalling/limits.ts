/** What both ends of the signalling socket agree to carry. Larger is refused before it is looked at. */
export const signallingLimits = {
  /** Bytes of one WebSocket message. Five complete offers are 6–12.5 KB. */
  frameBytes: 65_536,
  /** Offers in one announce. The reference client sends 5. */
  offers: 10,
  /** Characters of one session description. */
  sdpChars: 16_384,
  /** Characters of one ICE candidate as JSON. */
  candidateChars: 1_024,
  /** ICE candidates in one message. */
  candidates: 16,
  /** Info hashes in one scrape. */
  scrapes: 64,
  /** Dial outcomes in one announce. */
  outcomes: 64,
  /** Watched segments in one report: half a minute of eight tracks. */
  freshSegments: 96,
  /** Neighbours named in one message. A full mesh of 24 and its far links fit. */
  neighbours: 64,
  /** Characters of a join token. */
  tokenChars: 8_192,
  /** Characters of any short text: reasons, labels, tracker ids. */
  textChars: 512,
} as const
