import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** The bench itself, small: that it runs, and that its figures mean what they say. Nothing is compared here. */

function bench(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const source = join(import.meta.dirname, '../bench/tracker.ts')
  const child = spawn(process.execPath, ['--conditions=nearcast-source', source, ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let [out, err] = ['', '']
  child.stdout.on('data', data => {
    out += data
  })
  child.stderr.on('data', data => {
    err += data
  })
  return new Promise(resolve => child.once('close', code => resolve({ code, out, err })))
}

test('the tracker bench ends with one row per server and size, and keeps offers at home', async () => {
  const { code, out, err } = await bench(
    ...['--connections', '300,600', '--rounds', '1', '--transactions', '200', '--swarm', '300'],
    ...['--servers', 'ws,nearcast-node'],
  )
  expect(err).toContain('round 1')
  expect(code).toBe(0)
  const lines = out.trim().split('\n')
  const rows = JSON.parse(lines.at(-1) ?? '')
  expect(rows.map((row: { server: string; connections: number }) => [row.server, row.connections])).toEqual([
    ['ws', 300],
    ['nearcast-node', 300],
    ['ws', 600],
    ['nearcast-node', 600],
  ])
  for (const row of rows) {
    expect(row.cpuPer1000).toBeGreaterThan(0)
    expect(row.ratioToWs).toBeGreaterThan(0)
    expect(row.offerP50Ms).toBeGreaterThan(0)
    expect(row.offerP99Ms).toBeGreaterThanOrEqual(row.offerP50Ms)
    if (row.server === 'nearcast-node') expect(row.sameAddressShare).toBeGreaterThan(0.5)
    else expect(row.sameAddressShare).toBeLessThan(0.2)
  }
  // The table of pieces, for people.
  expect(out).toMatch(/300\s+nearcast-node\s+100\.0 %/)
}, 120_000)

test('the tracker bench says what it does not understand', async () => {
  const wrong = await bench('--connections', 'many')
  expect(wrong.code).not.toBe(0)
  expect(wrong.err).toContain('a whole number above zero')
  const unknown = await bench('--servers', 'apache')
  expect(unknown.err).toContain('"apache" is none of')
  const greedy = await bench('--connections', '100000000')
  expect(greedy.code).toBe(1)
  expect(greedy.err).toContain('ulimit')
})
