import { describe, expect, test } from 'vitest'
import { createProcessLog, describeCrash } from './process-log.ts'
import type { LogEntry } from './server/log.ts'

const entry: LogEntry = {
  level: 'warn',
  event: 'sites-refused',
  message: 'line 3 is bad\nand line 4',
  fields: { lines: 2 },
}

function written(format: 'json' | 'text', level: LogEntry['level'], ...entries: LogEntry[]): string[] {
  const lines: string[] = []
  const log = createProcessLog({ level, format, write: line => lines.push(line), wallClock: () => 1_000 })
  for (const item of entries) log(item)
  return lines
}

describe('the log of the process', () => {
  test('is one JSON object a line for collectors', () => {
    const [line = '', ...rest] = written('json', 'info', entry)
    expect(rest).toEqual([])
    expect(line.trimEnd()).not.toContain('\n')
    expect(JSON.parse(line)).toEqual({
      level: 'warn',
      time: '1970-01-01T00:00:01.000Z',
      event: 'sites-refused',
      lines: 2,
      message: 'line 3 is bad\nand line 4',
    })
  })

  test('is a line for people', () => {
    expect(written('text', 'info', entry)).toEqual(['00:00:01 warn  line 3 is bad\nand line 4\n'])
  })

  test.each(['json', 'text'] as const)('leaves out what is less important than the level (%s)', format => {
    const entries = (['error', 'warn', 'info'] as const).map(level => ({ ...entry, level }))
    expect(written(format, 'error', ...entries)).toHaveLength(1)
    expect(written(format, 'warn', ...entries)).toHaveLength(2)
    expect(written(format, 'info', ...entries)).toHaveLength(3)
  })

  test.each([
    ['connect ECONNREFUSED 192.0.2.7:6379', 'connect ECONNREFUSED (address)'],
    ['read ECONNRESET 2001:db8::17', 'read ECONNRESET (address)'],
    ['::ffff:10.1.2.3, port 80.', '(address), port 80.'],
    ['at feed (file:///srv/cafe.ts:12:5), after 1.5 s', 'at feed (file:///srv/cafe.ts:12:5), after 1.5 s'],
  ])('a crash is described without addresses: %s', (text, described) => {
    expect(describeCrash(text)).toBe(described)
  })
})
