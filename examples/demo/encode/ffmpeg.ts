import { spawnSync } from 'node:child_process'

/** Path of a usable ffmpeg: on PATH, else installed by apt where that is possible. Throws with what to do. */
export function findFfmpeg(): string {
  if (works('ffmpeg', '-version')) return 'ffmpeg'
  const apt = 'apt-get'
  if (process.getuid?.() === 0 && works(apt, '--version')) {
    console.error('ffmpeg is not on PATH: installing it with apt …')
    spawnSync(apt, ['update', '-qq'], { stdio: 'inherit' })
    spawnSync(apt, ['install', '-y', '-qq', 'ffmpeg', 'fonts-dejavu-core'], { stdio: 'inherit' })
    if (works('ffmpeg', '-version')) return 'ffmpeg'
  }
  throw new Error(
    'ffmpeg was not found. Install it (https://ffmpeg.org/download.html), put it on PATH, and run again.',
  )
}

/** Runs ffmpeg to its end. Throws with what it printed when it fails. */
export function runFfmpeg(ffmpeg: string, args: readonly string[]): void {
  const run = spawnSync(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...args], { encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`ffmpeg failed:\n${run.stderr}\n${args.join(' ')}`)
}

function works(command: string, versionFlag: string): boolean {
  return spawnSync(command, [versionFlag], { stdio: 'ignore' }).status === 0
}
