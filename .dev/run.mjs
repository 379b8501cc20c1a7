#!/usr/bin/env node
// The one entry of every npm script. Plain JavaScript: a fresh machine's own Node (18 or later) must be able to
// start it before anything is installed. It installs the dependencies when they are missing, then hands over to
// the project's own Node, which runs the TypeScript sources as they are.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [command = 'help', ...args] = process.argv.slice(2)

/** Script name → the source file that does it. */
const commands = {
  start: 'examples/demo/start.ts',
  test: '.dev/test.ts',
  check: '.dev/check.ts',
  build: '.dev/build.ts',
  size: '.dev/size.ts',
  media: 'examples/demo/media/make.ts',
  tracker: 'tracker/src/cli.ts',
  edge: 'edge-fallback/src/cli/edge.ts',
  digest: 'edge-fallback/src/cli/edge.ts',
  peer: 'peer-core/src/node/cli.ts',
  sim: 'test/sim/cli.ts',
  'bench:transport': 'test/bench/transport.ts',
}

const script = commands[command]
if (!script) {
  console.error(`unknown command "${command}". Known: ${Object.keys(commands).join(', ')}`)
  process.exit(2)
}

installIfNeeded()
const node = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
const child = spawn(
  existsSync(node) ? node : process.execPath,
  ['--conditions=nearcast-source', '--disable-warning=ExperimentalWarning', join(root, script), ...args],
  { stdio: 'inherit', env: { ...process.env, NEARCAST_CWD: process.env.INIT_CWD ?? process.cwd() } },
)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))

/** Runs `npm ci` when node_modules is missing or older than the lock file. */
function installIfNeeded() {
  const lock = join(root, 'package-lock.json')
  const stamp = join(root, 'node_modules/.nearcast-installed')
  const fresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === String(statSync(lock).size)
  if (fresh && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return
  if (existsSync(join(root, 'node_modules/.package-lock.json')) && !existsSync(stamp)) return mark(stamp, lock)
  console.error('Installing dependencies (once) …')
  const npm = process.env.npm_execpath
  const [file, prefix] = npm ? [process.execPath, [npm]] : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []]
  const done = spawnSync(file, [...prefix, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (done.status !== 0) {
    console.error('npm ci failed (see above). Check the network and the npm registry, then run the command again.')
    process.exit(1)
  }
  mark(stamp, lock)
}

function mark(stamp, lock) {
  writeFileSync(stamp, String(statSync(lock).size))
  utimesSync(stamp, new Date(), new Date())
}
