import type { Contestant } from './contestants.ts'
import { roofline } from './contestants.ts'
import { type Load, startLoad } from './load.ts'
import { type ServerProcess, startServer } from './server-process.ts'

export interface Plan {
  readonly servers: readonly Contestant[]
  readonly connections: number
  readonly rounds: number
  /** A round of one server. */
  readonly transactions: number
  readonly onProgress: (text: string) => void
}

export interface Row {
  readonly server: string
  readonly connections: number
  /** CPU seconds of the server's process for 1000 transactions; median of the rounds. */
  readonly cpuPer1000: number
  /** ÷ the bare relay's of the same round; median. Null when that was not asked for. */
  readonly ratioToWs: number | null
  /** Resident memory that came with the joins ÷ peers. */
  readonly kibPerPeer: number
  readonly offerP50Ms: number
  readonly offerP99Ms: number
  readonly sameAddressShare: number
}

interface Stand {
  readonly server: string
  readonly process: ServerProcess
  readonly load: Load
  readonly kibPerPeer: number
}

const swarmSize = 1_000
const window = 16

/** All servers hold all their connections the whole time, and take turns: they meet the same weather. */
export async function measure(plan: Plan): Promise<readonly Row[]> {
  const stands: Stand[] = []
  try {
    for (const contestant of plan.servers) stands.push(await open(contestant, plan))
    // Once unmeasured: both ends compile what they run.
    for (const { load } of stands) await load.trade({ transactions: plan.transactions, window })
    const rounds: ReadonlyMap<string, RoundFigures>[] = []
    for (let round = 0; round < plan.rounds; round++) {
      const figures = new Map<string, RoundFigures>()
      // Another one begins each time.
      for (let i = 0; i < stands.length; i++) {
        const stand = stands[(i + round) % stands.length]!
        figures.set(stand.server, await takeTurn(stand, plan.transactions))
      }
      rounds.push(figures)
      const cells = [...figures].map(([name, { cpuPer1000 }]) => `${name} ${cpuPer1000.toFixed(3)}`)
      plan.onProgress(`${plan.connections} connections, round ${round + 1}: ${cells.join(', ')}`)
    }
    return stands.map(stand => summary(stand, plan, rounds))
  } finally {
    await Promise.all(stands.map(({ load }) => load.stop()))
    await Promise.all(stands.map(({ process }) => process.stop()))
  }
}

async function open(contestant: Contestant, { connections, onProgress }: Plan): Promise<Stand> {
  const process = await startServer(contestant)
  const load = startLoad()
  try {
    const idleKib = await settled(process)
    await load.join({ url: process.url, connections, swarmSize, seed: 1 })
    const kibPerPeer = ((await settled(process)) - idleKib) / connections
    onProgress(`${contestant.name}: ${connections} joined, ${kibPerPeer.toFixed(1)} KiB each`)
    return { server: contestant.name, process, load, kibPerPeer }
  } catch (error) {
    await load.stop()
    await process.stop()
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${contestant.name} with ${connections} connections: ${reason}`)
  }
}

/** What is resident once collectors have had time to give back what the joins left lying. */
async function settled(process: ServerProcess): Promise<number> {
  await new Promise(resolve => setTimeout(resolve, 2_000))
  return process.residentKib()
}

interface RoundFigures {
  readonly cpuPer1000: number
  readonly offerMs: readonly number[]
  readonly sameAddressShare: number
}

async function takeTurn({ process, load }: Stand, transactions: number): Promise<RoundFigures> {
  const before = process.cpuSeconds()
  const { offerMs, sameAddressShare } = await load.trade({ transactions, window })
  const cpuPer1000 = ((process.cpuSeconds() - before) / transactions) * 1_000
  return { cpuPer1000, offerMs, sameAddressShare }
}

function summary(
  { server, kibPerPeer }: Stand,
  { connections }: Plan,
  rounds: readonly ReadonlyMap<string, RoundFigures>[],
): Row {
  const mine = rounds.flatMap(round => round.get(server) ?? [])
  const ratios = rounds.flatMap(round => {
    const [own, bare] = [round.get(server), round.get(roofline)]
    return own && bare ? own.cpuPer1000 / bare.cpuPer1000 : []
  })
  const offerMs = mine.flatMap(round => round.offerMs)
  return {
    server,
    connections,
    cpuPer1000: rounded(
      quantile(
        mine.map(round => round.cpuPer1000),
        0.5,
      ),
      4,
    ),
    ratioToWs: ratios.length > 0 ? rounded(quantile(ratios, 0.5), 3) : null,
    kibPerPeer: rounded(kibPerPeer, 1),
    offerP50Ms: rounded(quantile(offerMs, 0.5), 2),
    offerP99Ms: rounded(quantile(offerMs, 0.99), 2),
    sameAddressShare: rounded(
      quantile(
        mine.map(round => round.sameAddressShare),
        0.5,
      ),
      3,
    ),
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
