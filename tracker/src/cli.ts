#!/usr/bin/env node
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { parseAddress } from './address/address.ts'
import { Policies } from './registry/policies.ts'
import { listenTracker } from './server/listen.ts'
import { type ReadSites, readSites } from './sites/read-sites.ts'
import { TrackerError } from './tracker-error.ts'

/** `nearcast-tracker`: stdout is for machines (one JSON line), stderr for people. */

interface ServeFlags {
  readonly port: number
  readonly host?: string
  readonly sites?: string
  readonly trustProxy: readonly string[]
  readonly proxyHeader: string
  readonly stunUrl: readonly string[]
  readonly stun: boolean
}

/** Exit codes: 0 stopped on request, 1 could not run, 2 wrong use. */
const failed = 1
const misused = 2

const program = new Command('nearcast-tracker')
  .description('A WebTorrent tracker that introduces viewers of the same network to each other first.')
  .option(
    '--port <number>',
    'TCP port of HTTP and WebSocket, UDP port of STUN; 0 for any free one',
    wholePort,
    8080,
  )
  .option('--host <address>', 'address to listen on (default: all)')
  .option('--sites <file>', 'CSV of site,cidr,mode,wan,uploadKbps,lineKbps; changes apply while running')
  .option(
    '--trust-proxy <cidr>',
    'believe the forwarding header of proxies in this network; may be repeated',
    collect,
    [],
  )
  .option('--proxy-header <name>', 'the header those proxies write', 'x-forwarded-for')
  .option(
    '--stun-url <url>',
    'tell clients this STUN server instead of our own; may be repeated',
    collect,
    [],
  )
  .option('--no-stun', 'do not answer STUN on UDP')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`${text.trimEnd()}\nTry --help.\n`) })
  .action(serve)

program
  .command('explain')
  .description('say which row of the site file applies to an address, and why')
  .argument('<address>', 'an IPv4 or IPv6 address')
  .option('--sites <file>', 'the site file')
  .exitOverride()
  .action((address: string, _flags: unknown, command: Command) =>
    explain(address, command.optsWithGlobals().sites),
  )

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

async function serve(flags: ServeFlags): Promise<void> {
  const file = flags.sites === undefined ? null : fromCallersFolder(flags.sites)
  const { tracker, port, url, close } = await listenTracker({
    port: flags.port,
    ...(flags.host !== undefined && { host: flags.host }),
    ...(file !== null && { sites: readFile(file) }),
    trustedProxies: flags.trustProxy,
    proxyHeader: flags.proxyHeader,
    ...(flags.stunUrl.length > 0 && { stun: { urls: flags.stunUrl } }),
    withStun: flags.stun,
    log: ({ level, message }) => console.error(`${level}: ${message}`),
  })
  const where = flags.host ?? 'all addresses of this machine'
  const kinds = flags.stun ? 'TCP, STUN on UDP' : 'TCP'
  console.error(`Nearcast tracker on port ${port} (${kinds}), ${where}. Stop with Ctrl-C.`)
  if (file !== null) {
    reportSites(file, readSites(readFile(file)))
    // Editors replace files rather than write to them, which polling survives and inotify on the file does not.
    watchFile(file, { interval: 500 }, () => reportSites(file, reload(file, tracker.setSites)))
  }
  console.log(JSON.stringify({ ready: true, announce: url }))

  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    if (file !== null) unwatchFile(file)
    await close()
    process.exit(0)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  if (file !== null) process.on('SIGHUP', () => reportSites(file, reload(file, tracker.setSites)))
}

function explain(text: string, sites: string | undefined): void {
  const address = parseAddress(text)
  if (address === null) throw new InvalidArgumentError(`"${text}" is no IP address`)
  const policies = new Policies()
  if (sites !== undefined) {
    const file = fromCallersFolder(sites)
    const read = readSites(readFile(file))
    if (!read.ok) throw badSites(file, read)
    policies.setTable(read.table)
  }
  const { match, shadowed, standing } = policies.explain(address)
  if (match === null) {
    console.error(
      `${address.text}: no row of ${sites ?? 'a site file (none given)'} covers it; the defaults apply.`,
    )
  } else {
    console.error(
      `${address.text}: line ${match.line}, ${match.cidr.text}, site "${match.site}", is the first row that covers it.`,
    )
  }
  for (const { line, cidr, site } of shadowed)
    console.error(`  line ${line}, ${cidr.text}, "${site}", covers it too, but comes later.`)
  const group = match === null ? (address.family === 4 ? 'public address' : 'public /64') : 'site'
  console.log(
    JSON.stringify({
      address: address.text,
      site: match?.site ?? null,
      line: match?.line ?? null,
      cidr: match?.cidr.text ?? null,
      group,
      policy: standing.policy,
    }),
  )
}

function reload(file: string, apply: (csv: string) => ReadSites): ReadSites {
  try {
    return apply(readFile(file))
  } catch (error) {
    return {
      ok: false,
      problems: [{ line: 0, message: error instanceof Error ? error.message : String(error) }],
    }
  }
}

function reportSites(file: string, read: ReadSites): void {
  if (!read.ok) {
    console.error(`error: ${badSites(file, read).message}\nThe sites stay as they were.`)
    return
  }
  console.error(`info: ${file}: ${read.table.rules.length} rows apply.`)
  for (const { line, message } of read.warnings) console.error(`warn: ${file} line ${line}: ${message}`)
}

function badSites(file: string, read: Extract<ReadSites, { ok: false }>): TrackerError {
  const lines = read.problems.map(({ line, message }) => `  line ${line}: ${message}`)
  return new TrackerError('bad-sites', `${file} has errors:\n${lines.join('\n')}`)
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new TrackerError(
      'bad-sites',
      `cannot read ${file}: ${error instanceof Error ? error.message : error}`,
      error,
    )
  }
}

/** npm runs scripts in the package's folder; people mean paths from where they typed. */
function fromCallersFolder(path: string): string {
  return resolve(process.env['NEARCAST_CWD'] ?? process.cwd(), path)
}

function wholePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('a port is a whole number from 0 to 65535.')
  return port
}

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value]
}

function report(error: unknown): number {
  if (error instanceof TrackerError) {
    console.error(`error: ${error.message}`)
    return failed
  }
  // commander has already written what was wrong (or the help, with exit code 0).
  if (error instanceof Error && 'exitCode' in error && 'code' in error) {
    if (error instanceof InvalidArgumentError) console.error(`error: ${error.message}`)
    return error.exitCode === 0 ? 0 : misused
  }
  console.error(error)
  return failed
}
