#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { addAccessCommands } from './access/commands.ts'
import { parseAddress } from './address/address.ts'
import { addFlags, typedFlags } from './config/flags.ts'
import { type ReadConfig, readConfig } from './config/read-config.ts'
import { configAsJson, configAsText } from './config/show-config.ts'
import { explain } from './explain.ts'
import { type OperatorPaths, readOperatorFiles } from './operator-files.ts'
import { serve } from './serve.ts'
import { TrackerError } from './tracker-error.ts'

/** `nearcast-tracker`: stdout is for machines (one JSON line), stderr for people. */

/** Exit codes: 0 stopped on request, 1 could not run, 2 wrong use. */
const failed = 1
const misused = 2

const ownSettings =
  '\nIt takes the settings of the tracker itself, such as --sites and --config: see nearcast-tracker --help.'

const program = new Command('nearcast-tracker')
  .description('A WebTorrent tracker that introduces viewers of the same network to each other first.')
  .version(ownVersion())
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`${text.trimEnd()}\nTry --help.\n`) })
  .action((_flags: unknown, command: Command) => serve(configured(command).config))
addFlags(program)

addAccessCommands(program)

program
  .command('explain')
  .description(
    'say what applies to an address, and why: row of the site file, rules, provider, country, group',
  )
  .addHelpText('after', ownSettings)
  .argument('<address>', 'an IPv4 or IPv6 address')
  .exitOverride()
  .action((address: string, _flags: unknown, command: Command) =>
    explainTo(address, configured(command).config),
  )

program
  .command('config')
  .description('say which settings apply and where each comes from; secrets are masked')
  .addHelpText('after', ownSettings)
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

function ownVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
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

function explainTo(text: string, paths: OperatorPaths): void {
  const address = parseAddress(text)
  if (address === null) throw new InvalidArgumentError(`"${text}" is no IP address`)
  const { lines, json } = explain(address, paths, readOperatorFiles(paths))
  console.error(lines.join('\n'))
  console.log(JSON.stringify(json))
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
