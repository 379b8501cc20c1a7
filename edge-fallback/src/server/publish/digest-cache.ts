import { readFile } from 'node:fs/promises'
import { writeAtomically } from './atomic-write.ts'

/** A digest and the file state it was computed from. */
export interface CachedDigest {
  /** Size and modification time of the whole file. */
  readonly fileBytes: number
  readonly mtimeMs: number
  readonly size: number
  readonly root: string
}

/** Digests of earlier runs, so that only new and changed files are read. Keys: path below the root, and range. */
export interface DigestCache {
  find(key: string, fileBytes: number, mtimeMs: number): CachedDigest | null
  set(key: string, digest: CachedDigest): void
  /** Forgets what was neither found nor set since it was loaded or last saved, and writes the rest when anything changed. */
  save(): Promise<void>
}

const version = 1

export async function loadDigestCache(file: string): Promise<DigestCache> {
  const entries = parse(await readFile(file, 'utf8').catch(() => ''))
  const used = new Set<string>()
  let changed = false
  return {
    find(key, fileBytes, mtimeMs) {
      const entry = entries.get(key)
      if (entry?.fileBytes !== fileBytes || entry.mtimeMs !== mtimeMs) return null
      used.add(key)
      return entry
    },
    set(key, digest) {
      entries.set(key, digest)
      used.add(key)
      changed = true
    },
    async save() {
      for (const key of entries.keys()) {
        if (!used.has(key)) changed = entries.delete(key) || changed
      }
      used.clear()
      if (!changed) return
      await writeAtomically(file, `${JSON.stringify({ version, entries: Object.fromEntries(entries) })}\n`)
      changed = false
    },
  }
}

/** A cache that cannot be read, or of another version, is empty: it only saves time. */
function parse(text: string): Map<string, CachedDigest> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== version)
      return new Map()
    const entries = 'entries' in value ? value.entries : null
    if (typeof entries !== 'object' || entries === null) return new Map()
    return new Map(
      Object.entries(entries).filter((pair): pair is [string, CachedDigest] => isDigest(pair[1])),
    )
  } catch {
    return new Map()
  }
}

function isDigest(value: unknown): value is CachedDigest {
  if (typeof value !== 'object' || value === null) return false
  const { fileBytes, mtimeMs, size, root } = value as Record<string, unknown>
  return (
    [fileBytes, mtimeMs, size].every(each => typeof each === 'number') && /^[0-9a-f]{64}$/.test(String(root))
  )
}
