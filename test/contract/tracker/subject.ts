import type { Contestant } from '../../bench/tracker/contestants.ts'
import { startServer } from '../../bench/tracker/server-process.ts'
import { chapters } from './checks.ts'
import { type Check, Trial } from './trial.ts'

/** What became of one check: `dies` when the tracker's process ended over it. */
export type Verdict =
  | { readonly type: 'passes' }
  | { readonly type: 'fails'; readonly reason: string }
  | { readonly type: 'dies'; readonly reason: string }

export interface Subject {
  readonly url: string
  isAlive(): Promise<boolean>
}

/** A check with the name it has in tables: its chapter's, then its own. */
interface Entry {
  readonly name: string
  readonly check: Check
}

/** Harmless checks run side by side; a death among the dangerous ones must be laid at the right door. */
const sideBySide = 6
const dangerous = 'Hostile input'

/** Runs the suite against a server of its own, which is started again when it dies. */
export async function examine(
  contestant: Contestant,
  /** How long to wait for what should come, ms. */
  patienceMs: number,
): Promise<ReadonlyMap<string, Verdict>> {
  let server = await startServer(contestant)
  const verdicts = new Map<string, Verdict>()
  const take = async ({ name, check }: Entry, ms: number) => {
    const verdict = await judge(check, server, ms)
    verdicts.set(name, verdict)
    if (verdict.type === 'dies') server = await startServer(contestant)
  }
  try {
    const waiting = entries().filter(({ name }) => !name.startsWith(dangerous))
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        await take(next, patienceMs)
    }
    await Promise.all(Array.from({ length: sideBySide }, worker))
    for (const entry of entries()) if (entry.name.startsWith(dangerous)) await take(entry, patienceMs)
  } finally {
    await server.stop()
  }
  return verdicts
}

/** Runs the suite against a tracker that somebody else keeps alive. */
export async function examineUrl(url: string, patienceMs: number): Promise<ReadonlyMap<string, Verdict>> {
  const verdicts = new Map<string, Verdict>()
  const subject = { url, isAlive: async () => true }
  for (const { name, check } of entries()) verdicts.set(name, await judge(check, subject, patienceMs))
  return verdicts
}

function entries(): Entry[] {
  return chapters.flatMap(({ title, checks }) =>
    checks.map(check => ({ name: `${title}: ${check.name}`, check })),
  )
}

async function judge(check: Check, subject: Subject, patienceMs: number): Promise<Verdict> {
  const trial = new Trial(subject.url, patienceMs)
  try {
    await withinTime(check.run(trial), 12_000 + 4 * patienceMs)
    return { type: 'passes' }
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
    return { type: (await subject.isAlive()) ? 'fails' : 'dies', reason }
  } finally {
    trial.close()
  }
}

/** Some waits are for a close that may never come. */
async function withinTime(run: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('what should come never came')), ms)
  })
  await Promise.race([run, late]).finally(() => clearTimeout(timer))
}
