import { resolve } from 'node:path'

/** Says what is wrong and what helps, and ends with status 1. */
export function giveUp(problem: string, remedy: string): never {
  console.error(`nearcast-edge: ${problem}\n${remedy}`)
  process.exit(1)
}

/** Against the directory in which the user typed the command; npm scripts run elsewhere. */
export function userPath(path: string): string {
  return resolve(process.env['NEARCAST_CWD'] ?? process.cwd(), path)
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function untilSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort()
    })
  }
  return controller.signal
}
