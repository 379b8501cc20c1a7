import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HeadlessReport } from '@nearcast/player-plugin/headless'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../../examples/demo/server.ts'

/** `npm run peer`, as its own process. */

const cli = fileURLToPath(new URL('../../player-plugin/src/headless/cli.ts', import.meta.url))

let demo: Demo
let dir: string

beforeAll(async () => {
  demo = await startDemo({ port: 0, host: '127.0.0.1', media: { type: 'samples' }, sites: null })
  dir = await mkdtemp(join(tmpdir(), 'nearcast-peer-'))
})
afterAll(async () => {
  await demo?.close()
  await rm(dir, { recursive: true, force: true })
})

const running = new Set<ChildProcess>()
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
})

interface Run {
  readonly child: ChildProcess
  readonly text: { out: string; err: string }
  readonly ended: Promise<number | null>
}

function run(...args: string[]): Run {
  const child = spawn(process.execPath, ['--conditions=nearcast-source', cli, ...args], {
    env: { ...process.env, NEARCAST_CWD: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const text = { out: '', err: '' }
  child.stdout?.on('data', chunk => {
    text.out += chunk
  })
  child.stderr?.on('data', chunk => {
    text.err += chunk
  })
  const ended = new Promise<number | null>(resolve => {
    child.on('close', code => {
      running.delete(child)
      resolve(code)
    })
  })
  return { child, text, ended }
}

const stream = (name: string) => [
  '--manifest',
  new URL(demo.streams.find(each => each.name === name)!.url, demo.url).href,
  '--tracker',
  demo.announce,
]

async function until(met: () => boolean, describe: () => string): Promise<void> {
  const end = performance.now() + 15_000
  while (!met()) {
    if (performance.now() > end) throw new Error(`not in time: ${describe()}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Whom the tracker knows. */
const members = () => demo.tracker.stats().peers

const reportOf = ({ text }: Run) => JSON.parse(text.out.trimEnd().split('\n').at(-1)!) as HeadlessReport

describe('npm run peer', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('says goodbye on %s, and reports', async signal => {
    const peer = run(...stream('live-ts'), '--json')
    await until(
      () => peer.text.err.includes('playing'),
      () => peer.text.err,
    )
    await until(
      () => members() === 1,
      () => `${members()} members`,
    )
    peer.child.kill(signal)
    expect(await peer.ended).toBe(0)
    const report = reportOf(peer)
    expect(report).toMatchObject({ role: 'viewer', live: true, tracker: 'open', problems: 0 })
    expect(report.segments).toBeGreaterThan(0)
    expect(report.playback).toMatchObject({ state: 'playing', stalls: 0 })
    // It said goodbye: the tracker need not wait for it.
    await until(
      () => members() === 0,
      () => `${members()} members`,
    )
    expect(peer.text.err).not.toMatch(/warning|error/i)
  })

  it('caches a recording in the folder as the user meant it, says so once off a terminal, and ends', async () => {
    const peer = run(
      ...stream('aes'),
      '--role',
      'seed',
      '--cache',
      'kept',
      '--cache-size',
      '1GB',
      '--exit-when-done',
      '--json',
    )
    expect(await peer.ended).toBe(0)
    const report = reportOf(peer)
    expect(report.seed).toEqual({ cached: 12, listed: 12, done: 'complete' })
    expect(report.cache.dir).toBe(join(dir, 'kept'))
    const names = await readdir(join(dir, 'kept', report.infoHash))
    expect(names.filter(name => name.endsWith('.segment'))).toHaveLength(12)
    expect(names).toContain('index.json')
    expect(names).not.toContain('lock')
    expect(peer.text.err).toContain('cached 12 of 12')
    expect(peer.text.err.split('\n').length).toBeLessThan(6)
  })

  it('feeds one process from another', async () => {
    const seed = run(...stream('ts'), '--role', 'seed')
    await until(
      () => demo.edge.log.entries.filter(({ path }) => /\/ts\/(low|high)\/\d+\.ts$/.test(path)).length >= 40,
      () => seed.text.err,
    )
    demo.edge.setFault(({ path }) => (path.endsWith('.ts') ? { type: 'status', status: 503 } : null))
    const viewer = run(...stream('ts'), '--for', '6', '--json', '--rendition', '180p')
    expect(await viewer.ended).toBe(0)
    demo.edge.setFault(null)
    const report = reportOf(viewer)
    expect(report).toMatchObject({ peers: 1, p2pShare: 1, bytes: { edge: 0 } })
    expect(report.segments).toBeGreaterThan(5)
    expect(report.playback).toMatchObject({ stalls: 0, lost: 0 })
    seed.child.kill('SIGTERM')
    expect(await seed.ended).toBe(0)
    expect(seed.text.err + viewer.text.err).not.toMatch(/warning|error/i)
  })

  it.each([
    [['--manifest', 'film.m3u8', '--tracker', 'ws://127.0.0.1:9/'], 1, 'beginning with http:// or https://'],
    [['--manifest', 'http://127.0.0.1:9/a.m3u8', '--tracker', 'http://t'], 1, 'ws:// or wss://'],
    [['--manifest', 'http://127.0.0.1:1/a.m3u8', '--tracker', 'ws://127.0.0.1:9/'], 1, 'Check the URL'],
    [['--manifest', 'http://a/b.m3u8'], 2, "'--tracker <url>' not specified"],
    [['--manifest', 'http://a/b', '--tracker', 'ws://t', '--cache-size', '10GX'], 2, 'such as 10GB'],
    [['--manifest', 'http://a/b', '--tracker', 'ws://t', '--cache-size', '50GB'], 2, 'add --cache FOLDER'],
    [['--manifest', 'http://a/b', '--tracker', 'ws://t', '--rendition', 'best'], 2, 'highest, lowest, all'],
    [
      ['--manifest', 'http://a/b', '--tracker', 'ws://t', '--role', 'boss'],
      2,
      'Allowed choices are viewer, seed',
    ],
    [['--help'], 0, ''],
  ] as const)('says what is wrong and what to do: %j', async (args, code, remedy) => {
    const peer = run(...args)
    expect(await peer.ended).toBe(code)
    expect(peer.text.err).toContain(remedy)
    if (code === 0) expect(peer.text.out).toContain('--cache-size')
    else expect(peer.text.out).toBe('')
  })

  it('says that a cache cannot be used', async () => {
    const peer = run(...stream('ts'), '--cache', '/dev/null/cache')
    expect(await peer.ended).toBe(1)
    expect(peer.text.err).toContain('Give --cache a folder that this user may write.')
  })
})
