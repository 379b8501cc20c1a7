import type Hls from 'hls.js'

/** How a subject plays: everything the page knows of its surroundings. */
export interface Surroundings {
  readonly url: string
  readonly tracker: string
  /** STUN servers for those who are not told by the tracker. */
  readonly stun: readonly string[]
  /** Of the player's configuration, for every subject alike. */
  readonly hls: { readonly maxBufferSize?: number }
}

/** What is compared: one way to play HLS, behind one interface. */
export interface Subject {
  readonly hls: Hls
  /** Links to peers now. */
  links(): number
  /** Media bytes that came, as the subject itself counts them; null: it has no peers to count. */
  bytes(): { readonly edge: number; readonly peers: number } | null
  /** Whatever explains its choices. */
  detail(): Promise<unknown>
}

export type SubjectFactory = (surroundings: Surroundings) => Subject
