#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { runDigest } from './digest-command.ts'
import { runServe } from './serve-command.ts'

const program = new Command('nearcast-edge')
  .description(
    'An HTTP edge for HLS that publishes digests, so that viewers can verify what other viewers send them.',
  )
  .version(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version)
  .showHelpAfterError('(--help shows what there is)')

const serve = program
  .command('serve', { isDefault: true })
  .description('serve a directory, or stand in front of an origin (default command)')
  .option('-p, --port <number>', 'port to listen on; 0: any free one', whole, 8080)
  .option('--host <address>', 'address to listen on (default: all)')
  .option('-d, --dir <directory>', 'directory to serve (default: the current one, unless --origin is given)')
  .option(
    '-o, --origin <url>',
    'base URL of an origin: fetch from there what the directory does not have, and cache it',
  )
  .option(
    '--live <playlist>',
    'also loop this recorded playlist endlessly as a live channel at /live/<name>/',
    list,
    [],
  )
  .option('--query-folder <parameter>', 'look up /a/b.m3u8?parameter=7 at /a/7/b.m3u8')
  .option(
    '--line-kbps <number>',
    'share a line of so many kbit/s among the requests of each client address',
    whole,
    0,
  )
  .option('--cache-mb <number>', 'memory for what came from the origin', whole, 256)
  .option('--no-digests', 'leave playlists as they are')
  .option('--log <file>', 'append one JSON line for each request; - for standard output')
  .option(
    '--log-addresses',
    'write client addresses into the log instead of labels that change with each start',
  )
  .action(runServe)

program
  .command('digest')
  .description(
    'write digests beside media on disk, for any web server: tags in playlists, sidecars, block-hash lists',
  )
  .argument('<directory>', 'directory with playlists and segments')
  .option('-w, --watch', 'go on while a packager writes there')
  .option('--out <directory>', 'publish there: playlists never appear without their tags, media is linked')
  .option(
    '--hashes-url <template>',
    'URI of block-hash lists, with {root}; lists are always written to nearcast/hashes/',
  )
  .action(runDigest)

// Most people want the default command: its options belong on the first page.
program.addHelpText('after', () => `\nserve: ${serve.helpInformation()}`)

await program.parseAsync()

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number is needed.')
  return Number(text)
}

function list(text: string, earlier: string[]): string[] {
  return [...earlier, text]
}
