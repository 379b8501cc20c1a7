#!/usr/bin/env node
// The one entry of every npm script. Plain JavaScript: a fresh machine's own Node (18 or later) must be able to
// start it before anything is installed. It installs the dependencies when they are missing, then hands over to
// the project's own Node, which runs the TypeScript sources as they are.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
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
  peer: 'player-plugin/src/headless/cli.ts',
  sim: 'test/sim/cli.ts',
  'sim:soak': 'test/sim/soak.ts',
  'sim:sweep': 'test/sim/sweep.ts',
  'bench:start': 'test/bench/start.ts',
  'bench:transport': 'test/bench/transport.ts',
  'bench:core': 'test/bench/core.ts',
  'bench:cpu': 'test/bench/cpu.ts',
  conformance: 'test/contract/tracker/cli.ts',
  'bench:tracker': 'test/bench/tracker.ts',
  'bench:cluster': 'test/bench/cluster.ts',
  'bench:office': 'test/office/cli.ts',
}

const script = commands[command]
if (!script) {
  console.error(`unknown command "${command}". Known: ${Object.keys(commands).join(', ')}`)
  process.exit(2)
}

installIfNeeded()
/** A thousand simulated viewers make much garbage that dies young: room for it saves a tenth of the time. */
const flags = command.startsWith('sim') ? ['--max-semi-space-size=64'] : []
const node = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
const child = spawn(
  existsSync(node) ? node : process.execPath,
  [
    ...flags,
    '--conditions=nearcast-source',
    '--disable-warning=ExperimentalWarning',
    join(root, script),
    ...args,
  ],
  { stdio: 'inherit', env: { ...process.env, NEARCAST_CWD: process.env.INIT_CWD ?? process.cwd() } },
)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
stopWithNpm()
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))

/** Whoever ends npm (systemd, a container) ends its shell, which tells nobody: then we are left without a parent. */
function stopWithNpm() {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    child.kill('SIGTERM')
  }, 500)
  watch.unref()
}

/** Installs when something that the lock file names is missing or has another version. */
function installIfNeeded() {
  const wanted = packagesOf(join(root, 'package-lock.json'))
  const present = packagesOf(join(root, 'node_modules/.package-lock.json'))
  const isCurrent = Object.entries(wanted).every(([path, { version, link, optional, devOptional }]) => {
    return (
      path === '' ||
      link ||
      optional ||
      devOptional ||
      !path.startsWith('node_modules/') ||
      present[path]?.version === version
    )
  })
  if (isCurrent) return
  const isFresh = Object.keys(present).length === 0
  console.error(isFresh ? 'Installing dependencies (once) …' : 'Bringing dependencies up to date …')
  const npm = process.env.npm_execpath
  const [file, prefix] = npm
    ? [process.execPath, [npm]]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []]
  const done = spawnSync(
    file,
    [...prefix, 'install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  if (done.status === 0) return
  console.error(
    'Installing failed (see above). Check the network and the npm registry, then run the command again.',
  )
  process.exit(1)
}

function packagesOf(lock) {
  return existsSync(lock) ? (JSON.parse(readFileSync(lock, 'utf8')).packages ?? {}) : {}
}
