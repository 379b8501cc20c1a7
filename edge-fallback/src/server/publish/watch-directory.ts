import { type FSWatcher, watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { DigestSummary, DirectoryDigester } from './digest-directory.ts'

export interface WatchOptions {
  readonly dir: string
  readonly digester: DirectoryDigester
  /** After each run; `path` of the playlist, '' for the whole directory. */
  readonly onRun?: (path: string, summary: DigestSummary) => void
  readonly onError?: (error: unknown) => void
}

/** A packager writes a playlist in a few steps; one run for all of them, ms. */
const settleMs = 15
/** Now and then everything is looked over: watching misses events under load, and mirrors collect what is gone. */
const sweepMs = 30_000

/**
 * Brings the directory up to date, then keeps it so while a packager writes. Ends when the signal aborts, after the run
 * under way. Rejects when the first run does; later troubles are told and survived.
 */
export async function watchDirectory(
  { dir, digester, onRun, onError }: WatchOptions,
  signal: AbortSignal,
): Promise<void> {
  const due = new Set<string>()
  let wake = () => {}
  const watching = watchFolders(dir, path => {
    if (!/\.m3u8$/i.test(path)) return
    due.add(path)
    wake()
  })
  const pause = (ms: number) =>
    new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (signal.aborted || due.size > 0) wake()
    })
  const stop = () => wake()
  signal.addEventListener('abort', stop)
  try {
    // Watching first: what is written during the first run is seen.
    await watching.refresh()
    onRun?.('', await digester.run())
    while (!signal.aborted) {
      await pause(sweepMs)
      if (signal.aborted) break
      const sweep = due.size === 0
      await new Promise(resolve => setTimeout(resolve, settleMs))
      const paths = [...due]
      due.clear()
      try {
        if (sweep) {
          await watching.refresh()
          onRun?.('', await digester.run())
        } else for (const path of paths) onRun?.(path, await digester.runOne(path))
      } catch (error) {
        onError?.(error)
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
    watching.close()
  }
}

/**
 * Names each file that changes below `root`. One watcher a folder: Node's recursive watching on Linux watches files,
 * and loses those that are replaced by rename, as every careful packager does.
 */
function watchFolders(
  root: string,
  onChange: (path: string) => void,
): { refresh(): Promise<void>; close(): void } {
  const folders = new Map<string, FSWatcher>()
  let closed = false

  function add(folder: string): void {
    if (closed || folders.has(folder)) return
    try {
      const watcher = watch(folder, (kind, name) => {
        if (name === null || name.startsWith('.')) return
        onChange(relative(root, join(folder, name)).split(sep).join('/'))
        // Perhaps a new folder; refresh() leaves out what is none.
        if (kind === 'rename' && !name.includes('.')) void refresh()
      })
      watcher.on('error', () => drop(folder))
      folders.set(folder, watcher)
    } catch {
      // Gone again, or too many watchers: the sweep covers it.
    }
  }

  function drop(folder: string): void {
    folders.get(folder)?.close()
    folders.delete(folder)
  }

  async function refresh(): Promise<void> {
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
    const present = entries
      .filter(entry => entry.isDirectory())
      .map(entry => join(entry.parentPath, entry.name))
      .filter(
        folder =>
          !relative(root, folder)
            .split(sep)
            .some(name => name.startsWith('.')),
      )
      .filter(folder => !relative(root, folder).startsWith('nearcast'))
    for (const folder of [root, ...present]) {
      if (folders.has(folder)) continue
      add(folder)
      // Files that came before the watcher.
      for (const name of await readdir(folder).catch(() => []))
        onChange(relative(root, join(folder, name)).split(sep).join('/'))
    }
    for (const folder of folders.keys()) if (folder !== root && !present.includes(folder)) drop(folder)
  }

  return {
    refresh,
    close() {
      closed = true
      for (const folder of [...folders.keys()]) drop(folder)
    },
  }
}
