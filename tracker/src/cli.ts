#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { addAccessCommands } from './access/commands.ts'
import { parseAddress } from './address/address.ts'
import { addFlags, typedFlags } from './config/flags.ts'
import { type ReadConfig, readConfig } from './config/read-config.ts'
import { configAsJson, configAsText } from './config/show-config.ts'
import { Policies } from './registry/policies.ts'
import { badSites, readSitesFile, serve } from './serve.ts'
import { readSites } from './sites/read-sites.ts'
import { TrackerError } from './tracker-error.ts'

/** `nearcast-tracker`: stdout is for machines (one JSON line), stderr for people. */

/** Exit codes: 0 stopped on request, 1 could not run, 2 wrong use. */
const failed = 1
const misused = 2

const program = new Command('nearcast-tracker')
  .description('A WebTorrent tracker that introduces viewers of the same network to each other first.')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`${text.trimEnd()}\nTry --help.\n`) })
  .action((_flags: unknown, command: Command) => serve(configured(command).config))
addFlags(program)

addAccessCommands(program)

program
  .command('explain')
  .description('say which row of the site file applies to an address, and why')
  .argument('<address>', 'an IPv4 or IPv6 address')
  .exitOverride()
  .action((address: string, _flags: unknown, command: Command) =>
    explain(address, configured(command).config.sites),
  )

program
  .command('config')
  .description('say which settings apply and where each comes from; secrets are masked')
  .exitOverride()
  .action((_flags: unknown, command: Command) => {
    const { effective } = configured(command)
    console.error(configAsText(effective))
    console.log(configAsJson(effective))
  })

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

/** npm runs scripts in the package's folder; people mean paths from where they typed. */
function configured(command: Command): Extract<ReadConfig, { ok: true }> {
  const read = readConfig({
    flags: typedFlags(command),
    environment: process.env,
    folder: process.env['NEARCAST_CWD'] ?? process.cwd(),
    readFile: path => readFileSync(path, 'utf8'),
  })
  if (read.ok) return read
  const count = read.problems.length
  throw new TrackerError(
    'bad-config',
    `${count === 1 ? 'a setting is' : `${count} settings are`} wrong:\n${read.problems.map(line => `  ${line}`).join('\n')}\nTry --help, or: nearcast-tracker config`,
  )
}

function explain(text: string, file: string | null): void {
  const address = parseAddress(text)
  if (address === null) throw new InvalidArgumentError(`"${text}" is no IP address`)
  const policies = new Policies()
  if (file !== null) {
    const read = readSites(readSitesFile(file))
    if (!read.ok) throw badSites(file, read)
    policies.setTable(read.table)
  }
  const { match, shadowed, standing } = policies.explain(address)
  if (match === null) {
    console.error(
      `${address.text}: no row of ${file ?? 'a site file (none given)'} covers it; the defaults apply.`,
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

function report(error: unknown): number {
  if (error instanceof TrackerError) {
    console.error(`error: ${error.message}`)
    return error.reason === 'bad-config' ? misused : failed
  }
  // commander has already written what was wrong (or the help, with exit code 0).
  if (error instanceof Error && 'exitCode' in error && 'code' in error) {
    if (error instanceof InvalidArgumentError) console.error(`error: ${error.message}`)
    return error.exitCode === 0 ? 0 : misused
  }
  console.error(error)
  return failed
}
