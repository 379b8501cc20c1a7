import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { parseByteSize } from './byte-size.ts'
import type { HeadlessOptions } from './headless-options.ts'
import type { RenditionChoice } from './multivariant.ts'

/** What the command line asked for. */
export interface CliOptions {
  readonly peer: HeadlessOptions
  readonly json: boolean
  /** Stop after so many seconds; 0: run until stopped. */
  readonly seconds: number
  readonly exitWhenDone: boolean
}

interface Flags {
  readonly manifest: string
  readonly tracker: readonly string[]
  readonly role: 'viewer' | 'seed'
  readonly leech: boolean
  readonly cache?: string
  readonly cacheSize?: number
  readonly rendition?: RenditionChoice
  readonly integrity: 'required' | 'prefer' | 'audit' | 'off'
  readonly sidecar: 'announced' | 'always' | 'never'
  readonly wan: 'allow' | 'deny'
  readonly uploadKbps: number
  readonly contentId?: string
  readonly tokenParam: readonly string[]
  readonly joinTokenFile?: string
  readonly for: number
  readonly exitWhenDone: boolean
  readonly json: boolean
}

/**
 * Reads the command line; throws commander's error when help was asked for or something is wrong (already written).
 * @param resolvePath makes a path absolute, as the user meant it
 */
export function parseCli(argv: readonly string[], resolvePath: (path: string) => string): CliOptions {
  const command = new Command('nearcast-peer')
    .description(
      'Joins the swarm of a stream without a screen: as a viewer that plays in real time and shares, ' +
        'or as a seed that keeps the stream for others.',
    )
    .version(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version)
    .requiredOption('--manifest <url>', 'manifest (.m3u8), exactly as browsers load it')
    .requiredOption('--tracker <url>', 'WebSocket URL of the tracker; may be repeated', collectTracker)
    .addOption(new Option('--role <role>', 'what to do').choices(['viewer', 'seed']).default('viewer'))
    .option('--leech', 'viewers: take from others and give nothing', false)
    .option('--cache <folder>', 'keep segments there over runs (default: in memory)')
    .option('--cache-size <size>', 'such as 10GB or 512MiB (default: 10GB, in memory 256MiB)', size)
    .option(
      '--rendition <which>',
      'highest, lowest, all, or a height such as 720 (default: highest; seeds: all)',
      rendition,
    )
    .addOption(
      new Option(
        '--integrity <rule>',
        'what to do about the publisher’s digests (audit: as prefer, until it is made)',
      )
        .choices(['required', 'prefer', 'audit', 'off'])
        .default('prefer'),
    )
    .addOption(
      new Option('--sidecar <when>', 'when to look for digests beside a recording’s playlist')
        .choices(['announced', 'always', 'never'])
        .default('announced'),
    )
    .addOption(
      new Option('--wan <rule>', 'deny: connect inside the network only')
        .choices(['allow', 'deny'])
        .default('allow'),
    )
    .option('--upload-kbps <number>', 'most to upload, kbit/s; 0: no cap', whole, 0)
    .option('--content-id <id>', 'name of the content, when the page sets one')
    .option('--token-param <name>', 'query parameter that is a token; may be repeated', collect, [])
    .option('--join-token-file <file>', 'join token for the tracker; read anew whenever one is needed')
    .option('--for <seconds>', 'stop after this long; 0: run until stopped', seconds, 0)
    .option('--exit-when-done', 'stop when the recording was played, or cached as far as it fits', false)
    .option('--json', 'print a report as one JSON value on the last line of standard output', false)
    .addHelpText('after', examples)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${text.trimEnd()}\nTry --help.\n`) })
    .parse([...argv], { from: 'user' })
  const flags = command.opts<Flags>()
  if (flags.leech && flags.role === 'seed')
    command.error('error: a seed gives: leave out --leech, or choose --role viewer')
  if (flags.cache === undefined && (flags.cacheSize ?? 0) > 8e9)
    command.error(
      'error: --cache-size of more than 8GB without --cache would be kept in memory: add --cache FOLDER',
    )
  return {
    peer: {
      manifest: flags.manifest,
      trackers: flags.tracker,
      role: flags.role,
      mode: flags.leech ? 'leech' : 'share',
      ...(flags.cache !== undefined && { cacheDir: resolvePath(flags.cache) }),
      ...(flags.cacheSize !== undefined && { cacheBytes: flags.cacheSize }),
      ...(flags.rendition !== undefined && { rendition: flags.rendition }),
      integrity: flags.integrity,
      sidecar: flags.sidecar,
      wan: flags.wan,
      uploadKbps: flags.uploadKbps,
      ...(flags.contentId !== undefined && { contentId: flags.contentId }),
      tokenParams: flags.tokenParam,
      ...(flags.joinTokenFile !== undefined && { token: tokenIn(resolvePath(flags.joinTokenFile)) }),
    },
    json: flags.json,
    seconds: flags.for,
    exitWhenDone: flags.exitWhenDone,
  }
}

const examples = `
Examples:
  npm run peer -- --manifest http://localhost:8080/live/ts/master.m3u8 --tracker ws://localhost:8080/announce
  npm run peer -- --manifest https://media.example/film/master.m3u8 --tracker wss://tracker.example/ \\
      --role seed --cache /var/cache/nearcast --cache-size 50GB`

function tokenIn(file: string): () => Promise<string> {
  return async () => (await readFile(file, 'utf8')).trim()
}

function size(text: string): number {
  const bytes = parseByteSize(text)
  if (bytes === null)
    throw new InvalidArgumentError('A size is a number with a unit, such as 10GB, 512MiB or 1.5TB.')
  return bytes
}

function rendition(text: string): RenditionChoice {
  if (text === 'highest' || text === 'lowest' || text === 'all') return text
  const height = /^([1-9]\d{0,4})p?$/.exec(text)?.[1]
  if (!height)
    throw new InvalidArgumentError('It is highest, lowest, all, or a height in pixels such as 720.')
  return Number(height)
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number is needed.')
  return Number(text)
}

function seconds(text: string): number {
  if (!/^\d{1,9}(\.\d+)?$/.test(text)) throw new InvalidArgumentError('A number of seconds is needed.')
  return Number(text)
}

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value]
}

function collectTracker(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}
