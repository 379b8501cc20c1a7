import { isIP } from 'node:net'
import { pino } from 'pino'
import type { Log, LogEntry } from './server/log.ts'

export interface ProcessLogOptions {
  /** The least important that is written. */
  readonly level: LogEntry['level']
  /** `json` for collectors, `text` for people. */
  readonly format: 'json' | 'text'
  /** Takes one line with its end. */
  readonly write: (line: string) => void
  /** Ms since 1970. */
  readonly wallClock: () => number
}

/**
 * The log of the tracker's process: pino's JSON, or a line for people. Our entries are flat and few, so the readable
 * form is the three lines below and not pino-pretty with its thirteen dependencies.
 */
export function createProcessLog({ level, format, write, wallClock }: ProcessLogOptions): Log {
  if (format === 'text') {
    return ({ level: kind, message }) => {
      if (severity.indexOf(kind) > severity.indexOf(level)) return
      const time = new Date(wallClock()).toISOString().slice(11, 19)
      write(`${time} ${kind.padEnd(5)} ${message}\n`)
    }
  }
  const logger = pino(
    {
      level,
      // Whoever collects knows the machine and the process; a host's name is often its address.
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(wallClock()).toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
    },
    { write },
  )
  return ({ level: kind, event, message, fields }) => logger[kind]({ event, ...fields }, message)
}

/** What can be said of an error nobody expected: system errors carry the address of the other end in their text. */
export function describeCrash(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return text.replaceAll(/[0-9a-fA-F:.]{3,}/g, word => {
    const readings = [word, word.replace(/[.:]+$/, ''), word.replace(/:\d+$/, '')]
    return readings.some(reading => isIP(reading) > 0) ? '(address)' : word
  })
}

const severity = ['error', 'warn', 'info'] as const
