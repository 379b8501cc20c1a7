import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** One server of the bench: how it is called and how its process is started. */
export interface Contestant {
  readonly name: string
  readonly command: readonly [file: string, ...args: string[]]
}

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const source = '--conditions=nearcast-source'
const cli = file('../../../tracker/src/cli.ts')
/** The load generator plays a proxy: it says whom each connection comes from. */
const flags = ['--port', '0', '--host', '127.0.0.1', '--no-stun', '--trust-proxy', '127.0.0.1']
/** Where npm puts Bun, when it could be installed on this platform. */
const bun = file('../../../node_modules/bun/bin/bun.exe')

export const roofline = 'ws'

/** Bun only where it is installed. */
export function contestants(): readonly Contestant[] {
  return [
    { name: roofline, command: [process.execPath, file('bare-relay.ts')] },
    { name: 'bittorrent-tracker', command: [process.execPath, file('../../support/bittorrent-server.ts')] },
    { name: 'nearcast-node', command: [process.execPath, source, cli, ...flags] },
    ...(existsSync(bun) ? [{ name: 'nearcast-bun', command: [bun, source, cli, ...flags] } as const] : []),
  ]
}
