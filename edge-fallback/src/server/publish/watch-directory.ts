import { watch } from 'node:fs'
import { sep } from 'node:path'
import type { DigestSummary, DirectoryDigester } from './digest-directory.ts'

export interface WatchOptions {
  readonly dir: string
  readonly digester: DirectoryDigester
  readonly onRun?: (path: string, summary: DigestSummary) => void
  readonly onError?: (error: unknown) => void
}

/** A packager writes a playlist in a few steps; one run for all of them, ms. */
const settleMs = 15
/** Now and then everything is looked over: watching misses events under load, and mirrors collect what is gone. */
const sweepMs = 30_000

/** Keeps digests up to date while a packager writes. Ends when the signal aborts, after the run under way. */
export async function watchDirectory(
  { dir, digester, onRun, onError }: WatchOptions,
  signal: AbortSignal,
): Promise<void> {
  const due = new Set<string>()
  let wake = () => {}
  const watcher = watch(dir, { recursive: true }, (_, name) => {
    const path = name?.split(sep).join('/') ?? ''
    if (!/\.m3u8$/i.test(path) || path.split('/').some(each => each.startsWith('.'))) return
    due.add(path)
    wake()
  })
  watcher.on('error', error => onError?.(error))
  const pause = (ms: number) =>
    new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (signal.aborted) wake()
    })
  const stop = () => wake()
  signal.addEventListener('abort', stop)
  try {
    while (!signal.aborted) {
      if (due.size === 0) await pause(sweepMs)
      if (signal.aborted) break
      const swept = due.size === 0
      if (!swept) await new Promise(resolve => setTimeout(resolve, settleMs))
      const paths = [...due]
      due.clear()
      try {
        if (swept) onRun?.('', await digester.run())
        else for (const path of paths) onRun?.(path, await digester.runOne(path))
      } catch (error) {
        onError?.(error)
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
    watcher.close()
  }
}
