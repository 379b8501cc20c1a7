import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

export interface ChromiumOptions {
  /** Flags beside the ones every test needs. @default [] */
  readonly args?: readonly string[]
  /** @default true; false opens windows and needs the full browser and a display. */
  readonly headless?: boolean
  /** Environment of the browser process. @default this process's */
  readonly env?: Readonly<Record<string, string>>
  /** The full browser instead of the lighter `chromium-headless-shell`. @default false */
  readonly full?: boolean
}

/** Quiet: nothing of the browser's own may reach the network or a byte counter. */
export const quietArgs: readonly string[] = [
  '--no-sandbox',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  // Pages that share one machine must not be slowed down for being behind one another.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--autoplay-policy=no-user-gesture-required',
]

/** A headless Chromium, found or installed. Whoever launches it closes it. */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  const headless = options.headless ?? true
  return chromium.launch({
    executablePath: chromiumPath(options.full ?? !headless),
    headless,
    args: [...quietArgs, ...(options.args ?? [])],
    ...(options.env ? { env: { ...options.env } } : {}),
  })
}

const found = new Map<boolean, string>()

/**
 * Path of a Chromium: `CHROME_PATH`, then PATH, then playwright's cache; else it is installed (Debian as root: apt;
 * otherwise playwright's own download).
 * @throws with what to do when there is none and none can be installed.
 */
export function chromiumPath(full = false): string {
  const known = found.get(full)
  if (known) return known
  const path = locate(full) ?? install(full)
  found.set(full, path)
  return path
}

function locate(full: boolean): string | null {
  const given = process.env['CHROME_PATH']
  if (given) {
    if (!executable(given)) throw new Error(`CHROME_PATH is set to ${given}, which is no executable file.`)
    return given
  }
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  if (!full) names.unshift('chromium-headless-shell')
  for (const name of names) {
    for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
      const path = join(directory, name)
      if (directory && executable(path)) return path
    }
  }
  return inPlaywrightCache(full)
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Any revision will do: the tests use nothing that is younger than a few years. */
function inPlaywrightCache(full: boolean): string | null {
  const cache =
    process.env['PLAYWRIGHT_BROWSERS_PATH'] ??
    (process.platform === 'darwin'
      ? join(homedir(), 'Library/Caches/ms-playwright')
      : process.platform === 'win32'
        ? join(process.env['LOCALAPPDATA'] ?? homedir(), 'ms-playwright')
        : join(homedir(), '.cache/ms-playwright'))
  if (!existsSync(cache)) return null
  const wanted = new Set([
    'chrome',
    'chrome.exe',
    'Chromium',
    ...(full ? [] : ['chrome-headless-shell', 'chrome-headless-shell.exe', 'headless_shell']),
  ])
  for (const browser of readdirSync(cache).filter(name => name.startsWith('chromium'))) {
    for (const file of readdirSync(join(cache, browser), { recursive: true, withFileTypes: true })) {
      const path = join(file.parentPath, file.name)
      if (file.isFile() && wanted.has(file.name) && executable(path)) return path
    }
  }
  return null
}

function install(full: boolean): string {
  const tried: string[] = []
  if (process.platform === 'linux' && existsSync('/etc/debian_version') && process.getuid?.() === 0) {
    const name = full ? 'chromium' : 'chromium-headless-shell'
    console.error(`Installing ${name} with apt (once) …`)
    run('apt-get', ['update', '-qq'])
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    // Ubuntu has no headless shell, and its `chromium` is a snap: then the next way is tried.
    if (!run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], env) && !full) {
      run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], env)
    }
    const path = locate(full)
    if (path) return path
    tried.push('apt-get install')
  }
  console.error('Downloading Chromium with playwright (once) …')
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js')
  run(process.execPath, [cli, 'install', full ? 'chromium' : 'chromium-headless-shell'])
  const path = locate(full)
  if (path) return path
  tried.push('playwright-core install')
  throw new Error(
    `No Chromium was found, and ${tried.join(' and ')} did not bring one. ` +
      'Install Chromium or Chrome, or set CHROME_PATH to its executable.',
  )
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): boolean {
  return spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0
}
