/** `npm run bench:tracker`: what the tracker costs beside a bare `ws` relay and npm bittorrent-tracker. */
import { execFileSync } from 'node:child_process'
import { Command, InvalidArgumentError, Option } from 'commander'
import { contestants } from './tracker/contestants.ts'
import { measure, type Row } from './tracker/measure.ts'
import { pieceTable, rowTable } from './tracker/table.ts'
import { largestPiece, type SwarmPiece } from './tracker/whole-swarm.ts'

const all = contestants()
const names = all.map(({ name }) => name)

const command = new Command('npm run bench:tracker --')
  .description(
    'Servers in processes of their own, each under the same load: a transaction is one announce with 5 offers of 1.2 to ' +
      '2.5 KB, all of them answered (17 messages). Swarms of 1000 viewers behind 28 addresses. Prints a table, the largest ' +
      'connected piece of one large swarm, and as its last line a JSON array with one row per server and size.',
  )
  .option(
    '--connections <list>',
    'viewers at once, several sizes separated by commas',
    sizes,
    [1_000, 5_000, 10_000],
  )
  .option('--rounds <n>', 'interleaved rounds; figures are medians', whole, 5)
  .option('--transactions <n>', 'in each round of a server', whole, 3_000)
  .addOption(
    new Option('--servers <list>', `some of ${names.join(', ')}`).argParser(chosen).default(all, 'all'),
  )
  .option(
    '--swarm <n>',
    'viewers of the swarm that is checked for being in one piece; 0 leaves that out',
    wholeOrNone,
    4_000,
  )
  .option('--json', 'no tables, only the JSON array that is otherwise the last line')
  .parse()

const options = command.opts<{
  connections: readonly number[]
  rounds: number
  transactions: number
  servers: typeof all
  swarm: number
  json?: boolean
}>()

const onProgress = (text: string) => console.error(text)
try {
  requireSockets(Math.max(options.swarm, ...options.connections))
  if (!names.includes('nearcast-bun'))
    onProgress('Bun is not installed on this platform: its row is left out.')
  const rows: Row[] = []
  for (const connections of options.connections) {
    const { servers, rounds, transactions } = options
    rows.push(...(await measure({ servers, connections, rounds, transactions, onProgress })))
  }
  const pieces: SwarmPiece[] = []
  for (const server of options.swarm > 0 ? options.servers : []) {
    const piece = await largestPiece(server, options.swarm)
    pieces.push(piece)
    onProgress(
      `${piece.server}: ${(100 * piece.largestPiece).toFixed(1)} % of ${piece.peers} viewers in one piece`,
    )
  }
  if (!options.json) console.log(`${rowTable(rows)}\n\n${pieceTable(pieces)}\n`)
  console.log(JSON.stringify(rows))
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}

/** Each end of a connection is a file; Node raises its soft limit to the hard one by itself. */
function requireSockets(connections: number): void {
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
  const needed = connections + 256
  if (limit === 'unlimited' || Number(limit) >= needed) return
  throw new Error(
    `${connections} connections need ${needed} open files a process, but the hard limit here is ${limit}. ` +
      `Raise it (as root: ulimit -Hn ${needed}; with systemd: LimitNOFILE=${needed}) or ask for fewer with --connections.`,
  )
}

function sizes(text: string): readonly number[] {
  return text.split(',').map(whole)
}

function chosen(text: string): typeof all {
  return text.split(',').map(name => {
    const found = all.find(candidate => candidate.name === name)
    if (found === undefined) throw new InvalidArgumentError(`"${name}" is none of ${names.join(', ')}`)
    return found
  })
}

function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number above zero is wanted')
  return Number(text)
}

function wholeOrNone(text: string): number {
  return text === '0' ? 0 : whole(text)
}
