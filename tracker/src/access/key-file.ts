import { readFileSync } from 'node:fs'
import type { Log } from '../server/log.ts'
import type { Tracker } from '../server/tracker.ts'
import { TrackerError } from '../tracker-error.ts'
import { type WatchedFile, watchedFile } from '../watched-file.ts'

/** Where an operator keeps what verifies join tokens. */
export interface KeySources {
  readonly keys: string | null
  readonly secret: string | null
}

/** Texts of all keys. @throws TrackerError */
export function readTokenKeys({ keys, secret }: KeySources): readonly string[] {
  try {
    return [...(secret === null ? [] : [secret]), ...(keys === null ? [] : [readFileSync(keys, 'utf8')])]
  } catch (error) {
    const why = error instanceof Error ? error.message : error
    throw new TrackerError('bad-access', `cannot read ${keys}: ${why}`, error)
  }
}

/** Applies the key file whenever it changes. A bad one changes nothing, and is logged. */
export function followTokenKeys(
  sources: KeySources,
  tracker: Pick<Tracker, 'setTokenKeys'>,
  log: Log,
): WatchedFile | null {
  const file = sources.keys
  if (file === null) return null
  return watchedFile(
    file,
    () => {
      const problems = tracker.setTokenKeys(readTokenKeys(sources))
      if (problems.length > 0) throw new Error(`${file}: ${problems.join('; ')}`)
      log({ level: 'info', event: 'token-keys', message: `${file}: the token keys are replaced.` })
    },
    error => {
      const why = error instanceof Error ? error.message : String(error)
      log({ level: 'error', event: 'bad-file', message: `${why}\nThe token keys stay as they were.` })
    },
  )
}
