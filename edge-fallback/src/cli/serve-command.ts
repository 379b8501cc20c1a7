import { once } from 'node:events'
import { createWriteStream, statSync, type WriteStream } from 'node:fs'
import { basename, dirname } from 'node:path'
import { createEdge } from '../server/create-edge.ts'
import { type Listening, listen } from '../server/listen.ts'
import { createLiveChannel } from '../server/live/channel.ts'
import type { Library } from '../server/resource.ts'
import { queryFolder } from '../server/shelf.ts'
import { giveUp, untilSignal, userPath } from './exit.ts'

export interface ServeFlags {
  readonly port: number
  readonly host?: string
  readonly dir?: string
  readonly origin?: string
  readonly live: readonly string[]
  readonly queryFolder?: string
  readonly lineKbps: number
  readonly cacheMb: number
  readonly digests: boolean
  readonly log?: string
  readonly logAddresses?: true
}

/** Time that answers under way get at the end, ms. */
const graceMs = 2_000

export async function runServe(flags: ServeFlags): Promise<void> {
  const stopped = untilSignal()
  const dir = flags.dir !== undefined || flags.origin === undefined ? userPath(flags.dir ?? '.') : undefined
  if (dir !== undefined && !statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    giveUp(`there is no directory ${dir}`, 'Name the directory that holds your playlists: --dir DIRECTORY')
  }
  if (flags.origin !== undefined && !/^https?:\/\//.test(flags.origin)) {
    giveUp(`${flags.origin} is no origin`, 'Give its whole base URL: --origin https://host/path/')
  }
  const mounts: Record<string, Library> = {}
  for (const file of flags.live) {
    const playlist = userPath(file)
    mounts[`/live/${basename(dirname(playlist))}`] = await createLiveChannel({ playlist }).catch(error =>
      giveUp(
        `${file} cannot be looped: ${error instanceof Error ? error.message : error}`,
        'Name a recorded .m3u8 file.',
      ),
    )
  }
  const log = flags.log === undefined ? null : await openLog(flags.log)
  const edge = createEdge({
    ...(dir !== undefined && { dir }),
    ...(flags.origin !== undefined && { origin: flags.origin }),
    originOptions: { cacheBytes: flags.cacheMb << 20 },
    mounts,
    ...(flags.queryFolder !== undefined && { map: queryFolder(flags.queryFolder) }),
    lineKbps: flags.lineKbps,
    digests: flags.digests,
    ...(log && { onAccess: entry => log.write(`${JSON.stringify(entry)}\n`) }),
    ...(flags.logAddresses && { labelOf: address => address }),
  })
  const server = await listen(edge.app, flags).catch((error: NodeJS.ErrnoException) =>
    cannotListen(error, flags),
  )
  const where = flags.host ?? 'all addresses of this machine'
  console.error(`Nearcast edge on port ${server.port}, ${where}. Stop with Ctrl-C.`)
  console.log(JSON.stringify({ ready: true, url: server.url, live: Object.keys(mounts) }))

  if (!stopped.aborted) await once(stopped, 'abort')
  await server.close(graceMs)
  await edge.close()
  if (log && log !== process.stdout) await new Promise<void>(resolve => log.end(resolve))
}

function cannotListen(error: NodeJS.ErrnoException, { port, host }: ServeFlags): Promise<Listening> {
  switch (error.code) {
    case 'EADDRINUSE':
      return giveUp(
        `port ${port} is taken`,
        `Choose another one: --port ${port + 1}, or --port 0 for any free one.`,
      )
    case 'EACCES':
      return giveUp(`port ${port} needs more rights`, 'Choose one above 1023: --port 8080')
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return giveUp(`${host} is no address of this machine`, 'Listen on all of them: leave --host out.')
    default:
      throw error
  }
}

async function openLog(file: string): Promise<WriteStream | NodeJS.WriteStream> {
  if (file === '-') return process.stdout
  const stream = createWriteStream(userPath(file), { flags: 'a' })
  await once(stream, 'open').catch((error: Error) =>
    giveUp(`${file}: ${error.message}`, 'Choose a file that can be written: --log FILE'),
  )
  return stream
}
