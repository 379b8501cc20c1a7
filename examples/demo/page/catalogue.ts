/** A stream that this server offers. */
export interface Stream {
  readonly name: string
  readonly title: string
  /** Of the manifest, relative to the page. */
  readonly url: string
  readonly live: boolean
}

/** What the server tells the page. */
export interface Catalogue {
  /** Path of the tracker's socket on this server. */
  readonly announcePath: string
  readonly streams: readonly Stream[]
}

/** Asks the server once. Rejects with a sentence for people. */
export async function loadCatalogue(): Promise<Catalogue> {
  const response = await fetch('/demo/catalogue.json')
  if (!response.ok) throw new Error(`The server did not say which streams it has (HTTP ${response.status}).`)
  return (await response.json()) as Catalogue
}

/**
 * How many copies of each media segment left this server for a stream, all viewers together; null before there are any.
 * Only the sample server knows: it counts what it sends.
 */
export async function loadCopies(stream: Stream): Promise<number | null> {
  const response = await fetch(`/demo/copies?stream=${encodeURIComponent(stream.name)}`)
  if (!response.ok) return null
  const { copies } = (await response.json()) as { copies: number | null }
  return copies
}

/** The tracker's announce URL as this page reaches it. */
export function announceUrl({ announcePath }: Catalogue): string {
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}${announcePath}`
}
