/** `npm start`: everything in one process, until it is interrupted. */
import { networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import { DemoError } from './demo-error.ts'
import { parseOptions } from './options.ts'
import { type Demo, startDemo } from './server.ts'

// npm runs scripts in the project's folder; paths are meant from where the user stands.
const from = process.env['NEARCAST_CWD'] ?? process.cwd()
const options = parseOptions(process.argv.slice(2), path => resolve(from, path))

try {
  const demo = await startDemo(options)
  announce(demo)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      demo.close().then(() => process.exit(0))
    })
  }
} catch (error) {
  console.error(error instanceof DemoError ? `${error.message}\n${error.remedy}` : error)
  process.exitCode = 1
}

function announce({ url, announce, dashboard, port, streams }: Demo): void {
  const local = options.host === null ? lanUrls(port) : []
  console.log(
    [
      '',
      `  Nearcast   ${url}`,
      ...local.map(each => `             ${each}  (from other machines of this network)`),
      `  Tracker    ${announce}`,
      `  Dashboard  ${dashboard}`,
      `  STUN       udp port ${port}`,
      `  Streams    ${streams.length > 0 ? streams.length : `open ${url}?manifest=/path/of/the/manifest.m3u8`}`,
      '',
      '  Open the page in two windows: the second is fed by the first. Ctrl-C stops.',
      '',
    ].join('\n'),
  )
}

function lanUrls(port: number): string[] {
  return Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(
      ({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'),
    )
    .map(({ address }) => `http://${address}:${port}/`)
}
