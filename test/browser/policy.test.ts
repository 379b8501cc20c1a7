import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ViewerReport } from './pages/viewer.ts'
import { openStage, pause, reportWhen, type Stage, until, type Viewer } from './stage.ts'

/** An operator changes what applies while people watch: real tracker process, real files, real viewers. */

const adminToken = 'a-token-of-this-test-alone'
/** Viewers obey within two seconds; what is beyond is for a machine that is busy with other things. */
const obeyedMs = 2_000
const patienceMs = 10_000

let stage: Stage
let folder: string
let tracker: { readonly child: ChildProcess; readonly announce: string }
const viewers: Viewer[] = []

const csv = (mode: string) => `site,cidr,mode\noffice,127.0.0.0/8,${mode}\noffice,::1,${mode}\n`
const sites = () => join(folder, 'sites.csv')
const policies = () => join(folder, 'policies.json')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nearcast-policy-'))
  await writeFile(sites(), csv('share'))
  await writeFile(policies(), '{"rules": []}')
  ;[stage, tracker] = await Promise.all([openStage(), startTracker()])
})
afterEach(async () => {
  await Promise.all([writeFile(sites(), csv('share')), writeFile(policies(), '{"rules": []}')])
  for (const one of viewers.splice(0)) await one.close()
})
afterAll(async () => {
  await stage?.close()
  tracker?.child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

async function startTracker() {
  const command = join(import.meta.dirname, '../../tracker/src/cli.ts')
  const files = ['--sites', sites(), '--policies', policies()]
  const child = spawn(
    process.execPath,
    ['--conditions=nearcast-source', command, '--port', '0', '--host', '127.0.0.1', ...files],
    { env: { ...process.env, NODE_OPTIONS: '', NEARCAST_ADMIN_TOKEN: adminToken } },
  )
  let out = ''
  let err = ''
  child.stdout.on('data', data => {
    out += data
  })
  child.stderr.on('data', data => {
    err += data
  })
  await until(
    () => out.includes('\n'),
    20_000,
    () => err,
  )
  return { child, announce: String(JSON.parse(out).announce) }
}

async function administer(method: 'PUT' | 'DELETE', rule?: object): Promise<Response> {
  const url = tracker.announce.replace('ws://', 'http://')
  return fetch(`${url}/admin/policy`, {
    method,
    headers: { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' },
    ...(rule && { body: JSON.stringify(rule) }),
  })
}

const peersOf = ({ snapshot }: ViewerReport) => snapshot?.swarm?.peers.length ?? 0
const fromPeers = ({ snapshot }: ViewerReport) =>
  (snapshot?.swarm?.bytes.group ?? 0) + (snapshot?.swarm?.bytes.outside ?? 0)
const reports = () => Promise.all(viewers.map(one => one.report()))
const totalFromPeers = async () => (await reports()).reduce((sum, report) => sum + fromPeers(report), 0)

async function watchTogether(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const one = await stage.viewer()
    viewers.push(one)
    await one.start({ url: stage.url('live-ts'), nearcast: { tracker: tracker.announce } })
  }
  for (const one of viewers) await reportWhen(one, report => peersOf(report) === 1 && report.startMs > 0)
  await until(
    async () => (await totalFromPeers()) > 0,
    30_000,
    () => 'no byte came from a peer',
  )
}

/** Resolves to how long it took all viewers to leave each other, ms. */
async function apart(since: number): Promise<number> {
  await until(
    async () => (await reports()).every(report => peersOf(report) === 0),
    patienceMs,
    () => 'viewers are still connected',
  )
  return performance.now() - since
}

/** Nothing more comes from peers, and playback goes on as if nothing had been. */
async function playsOnAlone(): Promise<void> {
  // What had arrived in the channel before it closed may still be counted.
  await pause(500)
  const before = await reports()
  const bytes = before.map(fromPeers)
  for (const [i, one] of viewers.entries()) {
    const goal = before[i]!.currentTime + 6
    const after = await reportWhen(one, report => report.currentTime > goal)
    expect(fromPeers(after)).toBe(bytes[i])
    expect(after.loaded.length).toBeGreaterThan(before[i]!.loaded.length)
    expect(after.stalls).toEqual([])
    expect(after.errors.filter(error => error.includes('fatal'))).toEqual([])
  }
}

async function togetherAgain(): Promise<void> {
  for (const one of viewers) await reportWhen(one, report => peersOf(report) === 1)
  const before = await totalFromPeers()
  await until(
    async () => (await totalFromPeers()) > before,
    30_000,
    () => 'peers give nothing',
  )
}

describe('viewers of an office', () => {
  it('stop sharing when the site file on disk says off, play on without a stall, and share again when it is taken back', async () => {
    await watchTogether()
    const changedAt = performance.now()
    await writeFile(sites(), csv('off'))
    const tookMs = await apart(changedAt)
    console.log(`off by the site file was obeyed after ${Math.round(tookMs)} ms`)
    expect(tookMs).toBeLessThan(2 * obeyedMs)
    await playsOnAlone()
    await writeFile(sites(), csv('share'))
    await togetherAgain()
    await stage.expectTruth(await reports())
  }, 180_000)

  it('obey the kill switch of the admin API, which outlives the process in the policy file', async () => {
    await watchTogether()
    const changedAt = performance.now()
    expect((await administer('PUT', { mode: 'off' })).status).toBe(200)
    const tookMs = await apart(changedAt)
    console.log(`the kill switch was obeyed after ${Math.round(tookMs)} ms`)
    expect(tookMs).toBeLessThan(2 * obeyedMs)
    expect(JSON.parse(await readFile(policies(), 'utf8'))).toEqual({ rules: [{ mode: 'off' }] })
    await playsOnAlone()
    expect((await administer('DELETE')).status).toBe(200)
    await togetherAgain()
  }, 180_000)
})
