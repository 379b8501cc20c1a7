import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'

/** `nearcast-tracker` as an operator runs it: a process of its own. */

const folder = mkdtempSync(join(tmpdir(), 'nearcast-tracker-'))
const children: ChildProcess[] = []
const sockets: WebSocket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate()
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const exited = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await exited
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Run {
  readonly child: ChildProcess
  out: string
  err: string
  readonly exit: Promise<number | null>
}

function run(...args: string[]): Run {
  const source = join(import.meta.dirname, '../../tracker/src/cli.ts')
  const child = spawn(process.execPath, ['--conditions=nearcast-source', source, ...args], {
    env: { ...process.env, NEARCAST_CWD: folder, NODE_OPTIONS: '' },
  })
  children.push(child)
  const result: Run = {
    child,
    out: '',
    err: '',
    exit: new Promise(resolve => child.once('close', resolve)),
  }
  child.stdout.on('data', data => {
    result.out += data
  })
  child.stderr.on('data', data => {
    result.err += data
  })
  return result
}

async function ready(tracker: Run): Promise<string> {
  await vi.waitFor(() => expect(tracker.out).toContain('\n'), 10_000)
  const line = JSON.parse(tracker.out)
  expect(line).toEqual({ ready: true, announce: expect.stringMatching(/^ws:\/\//) })
  return line.announce
}

async function announce(url: string): Promise<Record<string, unknown>[]> {
  const socket = new WebSocket(url)
  sockets.push(socket)
  const heard: Record<string, unknown>[] = []
  socket.on('message', data => heard.push(JSON.parse(String(data))))
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('open', resolve))
  const id = (name: string) => name.padEnd(20, '.')
  socket.send(
    JSON.stringify({
      action: 'announce',
      info_hash: id('f'),
      peer_id: id('p'),
      nearcast: { v: 1, caps: ['directed'] },
    }),
  )
  await vi.waitFor(() => expect(heard).toHaveLength(1), 10_000)
  return heard
}

test('prints one JSON line when it listens, and stops with exit code 0', async () => {
  const tracker = run(
    '--port',
    '0',
    '--host',
    '127.0.0.1',
    '--drain-notice-ms',
    '100',
    '--drain-spread-ms',
    '100',
    '--drain-total-ms',
    '500',
  )
  const url = await ready(tracker)
  await announce(url)
  tracker.child.kill('SIGTERM')
  expect(await tracker.exit).toBe(0)
  expect(tracker.out.trim().split('\n')).toHaveLength(1)
})

test('says its version', async () => {
  const asked = run('--version')
  expect(await asked.exit).toBe(0)
  expect(asked.out).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(asked.err).toBe('')
})

test('a changed site file reaches viewers at once; a bad one changes nothing and is reported by line', async () => {
  const file = join(folder, 'sites.csv')
  writeFileSync(file, 'site,cidr,mode\nlab,127.0.0.0/8,share\n')
  const tracker = run('--port', '0', '--host', '127.0.0.1', '--sites', 'sites.csv')
  const heard = await announce(await ready(tracker))
  writeFileSync(file, 'site,cidr,mode\nlab,127.0.0.0/8,off\nx,10.0.0.0/40,\n')
  await vi.waitFor(() => expect(tracker.err).toMatch(/line 3: .*0 to 32[\s\S]*stays in force/), 10_000)
  expect(heard).toHaveLength(1)
  writeFileSync(file, 'site,cidr,mode\nlab,127.0.0.0/8,off\n')
  // Announced by itself, long before the viewer's next announce.
  await vi.waitFor(() => expect(heard[1]).toMatchObject({ nearcast: { policy: { mode: 'off' } } }), 10_000)
})

test('says what to do when the port is taken, the file is bad or an option is wrong', async () => {
  const blocker = createServer()
  await new Promise<void>(resolve => blocker.listen(0, '127.0.0.1', resolve))
  const udp = createSocket('udp4')
  await new Promise<void>(resolve => udp.bind(0, '127.0.0.1', resolve))
  const address = blocker.address()
  const port = typeof address === 'object' && address !== null ? String(address.port) : ''
  writeFileSync(join(folder, 'bad.csv'), 'site,cidr\na,10.0.0.0/8\nb,10.1.1.1/8\n')
  const runs = [
    run('--port', port, '--host', '127.0.0.1'),
    run('--port', '0', '--sites', 'bad.csv'),
    run('--port', '0', '--sites', 'missing.csv'),
    run('--port', 'eighty'),
    run('--trust-proxy', 'everyone', '--port', '0'),
    run('--port', String(udp.address().port), '--host', '127.0.0.1'),
  ]
  const codes = await Promise.all(runs.map(({ exit }) => exit))
  blocker.close()
  udp.close()
  expect(codes).toEqual([1, 1, 1, 2, 2, 1])
  expect(runs.map(({ out }) => out)).toEqual(['', '', '', '', '', ''])
  expect(runs[0]?.err).toContain('choose another with --port')
  expect(runs[1]?.err).toMatch(/line 3: .*write 10\.0\.0\.0\/8/)
  expect(runs[2]?.err).toContain('cannot read')
  expect(runs[3]?.err).toMatch(/port \(--port\) is "eighty".*0 to 65535/)
  expect(runs[4]?.err).toContain('no network such as')
  expect(runs[5]?.err).toContain('--no-stun')
})

test('explains which row applies to an address', async () => {
  writeFileSync(
    join(folder, 'explain.csv'),
    'site,cidr,mode,wan\nvpn,10.2.3.0/24,leech,\nhq,10.2.0.0/16,,deny\n',
  )
  const explained = run('explain', '10.2.3.4', '--sites', 'explain.csv')
  expect(await explained.exit).toBe(0)
  expect(JSON.parse(explained.out)).toMatchObject({
    site: 'vpn',
    line: 2,
    cidr: '10.2.3.0/24',
    policy: { mode: 'leech', wan: 'allow' },
  })
  expect(explained.err).toContain('line 3')
  const wrong = run('explain', 'ten')
  expect(await wrong.exit).toBe(2)
  expect(wrong.err).toContain('no IP address')
})

test('reads settings from a file, the environment and flags, and says which one won', async () => {
  writeFileSync(join(folder, 'tracker.yaml'), 'port: 1234\nhost: 127.0.0.1\nlimits:\n  firstMessageMs: 200\n')
  const shown = run('config', '--config', 'tracker.yaml', '--port', '0')
  expect(await shown.exit).toBe(0)
  expect(JSON.parse(shown.out)).toMatchObject({
    port: { value: 0, from: '--port' },
    host: { value: '127.0.0.1', from: 'tracker.yaml line 2' },
    'limits.firstMessageMs': { value: 200, from: 'tracker.yaml line 4' },
  })
  const url = await ready(run('--config', 'tracker.yaml', '--port', '0'))
  const silent = new WebSocket(url)
  sockets.push(silent)
  // Ten seconds by default: the file's limit is the one that closed it.
  expect(await new Promise(resolve => silent.once('close', resolve))).toBe(1008)
})

test.each([
  ['a second SIGTERM', ['SIGTERM', 'SIGTERM']],
  ['SIGINT', ['SIGINT']],
] as const)('%s stops at once, however long a drain would take', async (_, signals) => {
  const drain = ['--drain-notice-ms', '60000', '--drain-spread-ms', '60000', '--drain-total-ms', '600000']
  const tracker = run('--port', '0', '--host', '127.0.0.1', ...drain)
  const url = await ready(tracker)
  await announce(url)
  const [socket] = sockets
  const closed = new Promise(resolve => socket?.once('close', resolve))
  if (signals.length > 1) {
    tracker.child.kill(signals[0])
    const readyz = new URL('/readyz', url.replace('ws:', 'http:'))
    await vi.waitFor(async () => expect((await fetch(readyz)).status).toBe(503), 10_000)
    // Still open for business: the balancer has not noticed yet.
    await announce(url)
  }
  const started = performance.now()
  tracker.child.kill(signals[signals.length - 1])
  expect(await closed).toBe(1012)
  expect(await tracker.exit).toBe(0)
  expect(performance.now() - started).toBeLessThan(10_000)
})
