import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/**
 * Installs a Debian package as `npm test` does with all it needs: as root, once. Not where systemd runs, since there the
 * package's service would start as well.
 */
export function installPackage(name: string): void {
  const isOurs = existsSync('/etc/debian_version') && process.getuid?.() === 0
  if (!isOurs || existsSync('/run/systemd/system')) return
  console.error(`Installing ${name} with apt (once) …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: string[]) =>
    spawnSync('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0
  if (apt('update')) apt('install', '-y', '--no-install-recommends', name)
}
