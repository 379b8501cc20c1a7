import type { WindowEntry } from './events.ts'

/** What playlists say of one segment, one reading after another. */

/** May both describe the same bytes? What one does not say it does not deny. */
export function agree(a: Pick<WindowEntry, 'size' | 'root'>, b: Pick<WindowEntry, 'size' | 'root'>): boolean {
  const otherRoot = a.root !== '' && b.root !== '' && a.root !== b.root
  const otherSize = a.size > 0 && b.size > 0 && a.size !== b.size
  return !otherRoot && !otherSize
}

/** A playlist read again says of most segments what it said before. */
export function isSame(a: WindowEntry, b: WindowEntry): boolean {
  return (
    a.size === b.size &&
    a.root === b.root &&
    a.seq === b.seq &&
    a.slot === b.slot &&
    a.startMs === b.startMs &&
    a.durationMs === b.durationMs
  )
}

/** A newer reading that says less (a delta update, a playlist loaded again before its digests) takes nothing back. */
export function mergeEntry<Entry extends WindowEntry>(older: Entry, newer: Entry): Entry {
  if (!agree(older, newer)) return newer
  return { ...newer, size: newer.size || older.size, root: newer.root || older.root }
}
