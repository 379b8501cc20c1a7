import { spawnSync } from 'node:child_process'

/**
 * Runs a command to its end and returns what it printed.
 * @throws with the command and what it complained about
 */
export function run(file: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { input, encoding: 'utf8' })
  if (error) throw new Error(`${file}: ${error.message}`)
  if (status !== 0) throw new Error(`${[file, ...args].join(' ')} failed (${status}): ${stderr.trim()}`)
  return stdout
}

/** The same for what may fail. */
export function tryRun(file: string, args: readonly string[]): boolean {
  return spawnSync(file, args, { stdio: 'ignore' }).status === 0
}
