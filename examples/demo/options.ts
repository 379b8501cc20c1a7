import { Command, InvalidArgumentError } from 'commander'

/** What `npm start` was asked for. Paths are absolute. */
export interface DemoOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** Address to listen on; null: all. */
  readonly host: string | null
  /** Where the media comes from. */
  readonly media:
    | { readonly type: 'samples' }
    | { readonly type: 'dir'; readonly dir: string }
    | { readonly type: 'origin'; readonly url: string }
  /** CSV file of sites, or null. */
  readonly sites: string | null
}

/**
 * Reads the command line; prints help or what is wrong and exits when that is what is left to do.
 * @param resolvePath makes a path absolute, as the user meant it
 */
export function parseOptions(argv: readonly string[], resolvePath: (path: string) => string): DemoOptions {
  const command = new Command('npm start --')
    .description(
      'Serves a page that shows Nearcast at work: tracker, STUN, edge and sample streams in one process.',
    )
    .option('--port <port>', 'TCP for page, tracker and edge; UDP for STUN', parsePort, 8080)
    .option('--host <address>', 'address to listen on (default: all)')
    .option('--dir <folder>', 'serve your own HLS from this folder instead of the samples')
    .option('--origin <url>', 'stand in front of an existing server; best the URL of a manifest', parseOrigin)
    .option('--sites <file>', 'CSV that names networks: site,cidr,mode,wan,uploadKbps')
    .addHelpText(
      'after',
      '\nExamples:\n  npm start\n  npm start -- --port 9000\n  npm start -- --dir ./my-hls\n  npm start -- --origin https://example.org/show/master.m3u8',
    )
    .parse([...argv], { from: 'user' })
  const { port, host, dir, origin, sites } = command.opts<{
    port: number
    host?: string
    dir?: string
    origin?: string
    sites?: string
  }>()
  if (dir !== undefined && origin !== undefined)
    command.error('error: --dir and --origin exclude each other: choose one')
  return {
    port,
    host: host ?? null,
    media:
      dir !== undefined
        ? { type: 'dir', dir: resolvePath(dir) }
        : origin !== undefined
          ? { type: 'origin', url: origin }
          : { type: 'samples' },
    sites: sites === undefined ? null : resolvePath(sites),
  }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return port
}

function parseOrigin(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError('An origin is a URL that begins with http:// or https://.')
  }
  return text
}
