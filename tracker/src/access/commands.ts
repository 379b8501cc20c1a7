import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { TrackerError } from '../tracker-error.ts'
import { issueKeys, issueToken } from './issue-token.ts'

/** `nearcast-tracker token` and `keys`: for trying things out, and as an example of what a site's server does. */
export function addAccessCommands(program: Command): void {
  program
    .command('token')
    .description('make a join token; the tracker must know the key (--access-keys)')
    .requiredOption('--key <file>', 'file of secrets, or an Ed25519 private key in PEM')
    .requiredOption('--content <id...>', 'content id, manifest URL or info hash; * for all')
    .option('--ttl <seconds>', 'how long it counts', wholeSeconds, 3_600)
    .option('--audience <name>', 'what the tracker expects as aud')
    .option('--for-origin <origin...>', 'pages on which it counts')
    .option('--for-site <name>', 'site to which its holder belongs, whatever the address')
    .option('--peers <number>', 'memberships at one time', wholeSeconds)
    .option('--holder <name>', 'whom it is for (jti); random when not given')
    .exitOverride()
    .action(async (flags: TokenFlags) => {
      const token = await issueToken({
        key: readKey(flags.key),
        content: flags.content,
        ttlSeconds: flags.ttl,
        ...(flags.audience !== undefined && { audience: flags.audience }),
        ...(flags.forOrigin !== undefined && { origins: flags.forOrigin }),
        ...(flags.forSite !== undefined && { site: flags.forSite }),
        ...(flags.peers !== undefined && { peers: flags.peers }),
        ...(flags.holder !== undefined && { holder: flags.holder }),
      })
      console.log(token)
    })
  program
    .command('keys')
    .description('make an Ed25519 pair: NAME.private.pem signs tokens, NAME.public.pem is for the tracker')
    .argument('<name>', 'path without ending; neither file may exist')
    .exitOverride()
    .action((name: string) => writeKeys(fromCallersFolder(name)))
}

interface TokenFlags {
  readonly key: string
  readonly content: readonly string[]
  readonly ttl: number
  readonly audience?: string
  readonly forOrigin?: readonly string[]
  readonly forSite?: string
  readonly peers?: number
  readonly holder?: string
}

function readKey(file: string): string {
  try {
    return readFileSync(fromCallersFolder(file), 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : error
    throw new TrackerError('bad-access', `cannot read ${file}: ${why}`, error)
  }
}

function writeKeys(name: string): void {
  const { privateKey, publicKey } = issueKeys()
  try {
    writeFileSync(`${name}.private.pem`, privateKey, { flag: 'wx', mode: 0o600 })
    writeFileSync(`${name}.public.pem`, publicKey, { flag: 'wx' })
  } catch (error) {
    throw new TrackerError(
      'bad-access',
      `cannot write: ${error instanceof Error ? error.message : error}`,
      error,
    )
  }
  console.error(`Wrote ${name}.private.pem and ${name}.public.pem.`)
}

function fromCallersFolder(path: string): string {
  return resolve(process.env['NEARCAST_CWD'] ?? process.cwd(), path)
}

function wholeSeconds(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('give a whole number above 0.')
  return Number(text)
}
