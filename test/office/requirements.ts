import { existsSync } from 'node:fs'
import { tryRun } from './command.ts'
import { sweepNamespaces } from './namespace.ts'

/**
 * What keeps the lab from running on this machine, as one sentence with its remedy; null: nothing. Installs the
 * network tools where that is possible (Debian, root).
 */
export function obstacle(): string | null {
  if (process.platform !== 'linux') return 'the office lab needs Linux (network namespaces)'
  if (process.getuid?.() !== 0) return 'the office lab needs root (network namespaces): run it with sudo'
  const missing = missingTools()
  if (missing.length > 0 && existsSync('/etc/debian_version')) {
    console.error('Installing iproute2 and nftables with apt (once) …')
    tryRun('apt-get', ['update', '-qq'])
    tryRun('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'iproute2', 'nftables'])
  }
  const still = missingTools()
  if (still.length > 0)
    return `the office lab needs ${still.join(', ')}: install iproute2 (ip, tc) and nftables (nft)`
  if (!tryRun('unshare', ['--net', 'nft', 'add', 'table', 'ip', 'probe']))
    return 'the office lab needs a kernel with network namespaces and nf_tables, and the right to use them'
  sweepNamespaces()
  return null
}

function missingTools(): string[] {
  return ['ip', 'tc', 'nft'].filter(tool => !tryRun(tool, [tool === 'nft' ? '-v' : '-V']))
}
