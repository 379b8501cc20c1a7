import {
  type DigestTable,
  parseSidecarEntries,
  parseSidecarHeader,
  parseSidecarPage,
  type SidecarHeader,
  sidecarHeadBytes,
  sidecarRange,
} from '@nearcast/peer-core'

/** Entries of one page: 18 KiB of text, two minutes of two-second segments. */
const pageEntries = 64

/** The page of a segment this many further is read along, so that no segment is asked for before its digest. */
const ahead = 16

/** Bytes `[from, to)` of the sidecar as text, cut at its end; null when there is none. */
export type ReadText = (from: number, to: number) => Promise<string | null>

/** The digest file beside a VoD playlist, read page by page as playback needs it. */
export interface Sidecar {
  /**
   * The digests around media sequence number `seq` and a little ahead, and of the init segments; null when they were
   * given before or there are none. Concurrent calls for one page share one read.
   */
  around(seq: number): Promise<DigestTable | null>
}

export function createSidecar(playlistUrl: string, read: ReadText): Sidecar {
  let head: Promise<Head | null> | null = null
  const given = new Set<number>()

  const page = async (header: SidecarHeader, index: number): Promise<DigestTable | null> => {
    const range = sidecarRange(header, index * pageEntries, pageEntries)
    if (!range || given.has(index)) return null
    given.add(index)
    const text = await read(range.from, range.to)
    // A page that failed may be read again; one that is malformed gives an empty table.
    if (text === null) given.delete(index)
    return text === null ? null : parseSidecarPage(text, header, playlistUrl)
  }

  return {
    async around(seq) {
      head ??= readHead(read)
      const known = await head
      if (!known) return null
      const { header, inits, firstSeq } = known
      const pages = new Set([0])
      if (firstSeq !== null && seq >= firstSeq) {
        for (const wanted of [seq, seq + ahead])
          pages.add(Math.floor((inits + wanted - firstSeq) / pageEntries))
      }
      const tables = await Promise.all([...pages].map(index => page(header, index)))
      return join(tables.filter(table => table !== null))
    },
  }
}

interface Head {
  readonly header: SidecarHeader
  /** Entries before the first media segment's. */
  readonly inits: number
  readonly firstSeq: number | null
}

async function readHead(read: ReadText): Promise<Head | null> {
  const text = await read(0, sidecarHeadBytes)
  const header = text === null ? null : parseSidecarHeader(text)
  if (!header || text === null) return null
  let inits = 0
  for (let page = text.slice(header.width); ; ) {
    const entries = parseSidecarEntries(page)
    const media = entries.find(({ sequence }) => sequence >= 0)
    if (media) return { header, inits: inits + entries.indexOf(media), firstSeq: media.sequence }
    inits += entries.length
    // More init segments than the head holds: a programme of many periods.
    const range = sidecarRange(header, inits, pageEntries)
    const next = range && entries.length > 0 ? await read(range.from, range.to) : null
    if (next === null) return { header, inits, firstSeq: null }
    page = next
  }
}

function join(tables: readonly DigestTable[]): DigestTable | null {
  if (tables.length === 0) return null
  return {
    segments: new Map(tables.flatMap(({ segments }) => [...segments])),
    inits: new Map(tables.flatMap(({ inits }) => [...inits])),
  }
}
