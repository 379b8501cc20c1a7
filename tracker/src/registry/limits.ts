/** What one client may cost. Every value can be set; each says what raising it costs. */
export interface RegistryLimits {
  /** Sockets of one public address. A school is one address. Private addresses are not counted: they are a proxy or a lab. @default 1000 */
  readonly connectionsPerAddress: number
  /** (swarm, peer) memberships of one socket. A page shares one socket among its swarms. @default 32 */
  readonly membershipsPerConnection: number
  /** Messages a second and socket, long run; signals to named peers count a fifth. @default 20 */
  readonly messagesPerSecond: number
  /** Messages at once. A newcomer to a full mesh of 24 sends about 100 signals. @default 60 */
  readonly messageBurst: number
  /** Time to the first valid message, ms. @default 10000 */
  readonly firstMessageMs: number
  /** How long an offer may be answered, ms. The reference client gives up after 50 s. @default 60000 */
  readonly offerMs: number
  /**
   * Offers waiting at one receiver, and newcomers to whom it is named within `offerMs`. Raising it lets more newcomers
   * meet one peer at once. @default 64
   */
  readonly openOffersPerPeer: number
  /** Messages with ICE candidates for one offer, each direction. @default 32 */
  readonly candidateMessages: number
  /** How long two peers once matched are not matched again, ms. @default 600000 */
  readonly partnerMs: number
  /** Partners remembered; also who may be dialled directly. @default 48 */
  readonly partners: number
  /**
   * Group size up to which everybody is linked with everybody; a larger one gets a backbone, until it has shrunk to
   * four fifths of this. Must stay below `partners`. @default 30
   */
  readonly meshSize: number
  /**
   * Neighbours named in another private network behind the same address, while nobody knows whether the two reach each
   * other. Raising it finds out sooner, for as many more dials in vain where they do not. @default 4
   */
  readonly crossLanLinks: number
  /** Links that leave the group, at most, when the group is not empty. @default 4 */
  readonly farLinks: number
  /** How long the holder of a disputed peer_id has to answer a ping, ms. @default 5000 */
  readonly claimMs: number
  /** Least time between two size announcements to one group, ms; a tenth of it while the group is a mesh. @default 1000 */
  readonly groupPushMs: number
  /** How long a membership outlives its join token, ms: time to bring a new one. @default 60000 */
  readonly tokenGraceMs: number
}

export const defaultLimits: RegistryLimits = {
  connectionsPerAddress: 1_000,
  membershipsPerConnection: 32,
  messagesPerSecond: 20,
  messageBurst: 60,
  firstMessageMs: 10_000,
  offerMs: 60_000,
  openOffersPerPeer: 64,
  candidateMessages: 32,
  partnerMs: 600_000,
  partners: 48,
  meshSize: 30,
  crossLanLinks: 4,
  farLinks: 4,
  claimMs: 5_000,
  groupPushMs: 1_000,
  tokenGraceMs: 60_000,
}
