import { statSync } from 'node:fs'
import {
  createDirectoryDigester,
  type DigestProgress,
  type DigestSummary,
} from '../server/publish/digest-directory.ts'
import { watchDirectory } from '../server/publish/watch-directory.ts'
import { giveUp, untilSignal, userPath } from './exit.ts'

export interface DigestFlags {
  readonly watch?: true
  readonly out?: string
  readonly hashesUrl?: string
}

/** Between two progress lines, ms. */
const reportMs = 1_000

export async function runDigest(directory: string, flags: DigestFlags): Promise<void> {
  const stopped = untilSignal()
  const dir = userPath(directory)
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    giveUp(`there is no directory ${dir}`, 'Name the directory that holds your playlists.')
  }
  if (flags.hashesUrl !== undefined && !flags.hashesUrl.includes('{root}')) {
    giveUp(
      `${flags.hashesUrl} has no {root}`,
      "Write it where the root goes: --hashes-url '/nearcast/hashes/{root}'",
    )
  }
  const digester = await createDirectoryDigester({
    dir,
    ...(flags.out !== undefined && { out: userPath(flags.out) }),
    ...(flags.hashesUrl !== undefined && { hashes: flags.hashesUrl }),
    onProgress: createReporter(),
    onWarning: warning => console.error(warning),
  }).catch((error: Error) => giveUp(error.message, 'See --help for what goes where.'))

  const work = flags.watch
    ? watchDirectory(
        {
          dir,
          digester,
          onRun: (path, summary) => (path === '' || summary.written > 0) && print(summary),
          onError: error =>
            console.error(`nearcast-edge: ${error instanceof Error ? error.message : error}; going on`),
        },
        stopped,
      )
    : digester.run().then(summary => {
        if (summary.playlists > 0) return print(summary)
        giveUp(`no media playlist (.m3u8) in ${dir}`, 'Name the directory that holds your playlists.')
      })
  await work.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EACCES' && error.code !== 'EROFS') throw error
    giveUp(
      `cannot write: ${error.message}`,
      'Make the directory writable, or write elsewhere: --out DIRECTORY',
    )
  })
}

function print(summary: DigestSummary): void {
  console.log(JSON.stringify(summary))
}

/** Tells people how long work goes on; says nothing about short work. */
function createReporter(): (progress: DigestProgress) => void {
  let next = performance.now() + reportMs
  return ({ playlist, segmentsDone, segmentsInAll, bytesRead }) => {
    // The first of a run.
    if (segmentsDone === 1) next = performance.now() + reportMs
    if (performance.now() < next) return
    next = performance.now() + reportMs
    const percent = segmentsInAll > 0 ? Math.floor((100 * segmentsDone) / segmentsInAll) : 100
    console.error(`${percent} %  ${(bytesRead / 1e6).toFixed(0)} MB read  ${playlist}`)
  }
}
