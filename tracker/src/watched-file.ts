import { readFileSync, type Stats, statSync, unwatchFile, watchFile } from 'node:fs'

/** A file that an operator changes while we run. */
export interface WatchedFile {
  /** Looks again now, changed or not. */
  reload(): void
  close(): void
}

/** Editors replace files rather than write to them, which polling survives and inotify on the file does not. */
const pollMs = 500
/** Half a file may look like a whole one: it has to be left alone for so long. */
const settleMs = 100

/**
 * Hands over the file's bytes each time it has changed. `apply` throws when it cannot use them, and must have changed
 * nothing then: what was there before stays in force, and `report` hears why.
 */
export function watchedFile(
  file: string,
  apply: (bytes: Buffer) => void,
  report: (error: unknown) => void,
): WatchedFile {
  let settling: NodeJS.Timeout | null = null
  const reload = () => {
    try {
      apply(bytesOf(file))
    } catch (error) {
      report(error)
    }
  }
  const settle = (seen: Stats) => {
    if (settling !== null) clearTimeout(settling)
    settling = setTimeout(() => {
      settling = null
      const now = statSync(file, { throwIfNoEntry: false })
      if (now !== undefined && (now.mtimeMs !== seen.mtimeMs || now.size !== seen.size)) settle(now)
      else reload()
    }, settleMs)
  }
  watchFile(file, { interval: pollMs }, settle)
  return {
    reload,
    close() {
      if (settling !== null) clearTimeout(settling)
      unwatchFile(file, settle)
    },
  }
}

function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}
