import { fileURLToPath } from 'node:url'
import { bundle } from '../browser/bundle.ts'
import { type Desk, openDesk } from './browser.ts'
import type { Office } from './office.ts'
import type { SubjectName, ViewerReport } from './pages/viewer.ts'
import type { Scenario } from './scenario.ts'
import { surroundingsOf } from './surroundings.ts'

declare const viewer: typeof import('./pages/viewer.ts')

/** One viewer at its desk: the page is open, nothing plays yet. */
export interface Seat {
  readonly site: number
  play(): Promise<void>
  seek(toSeconds: number): Promise<void>
  /** What it saw until now, or until it was killed. */
  report(): Promise<ViewerReport>
  /** SIGKILL. */
  kill(): Promise<void>
  close(): Promise<void>
}

/** Browsers opened at once; more only get in each other's way. */
const openingAtOnce = 3

/**
 * Opens a browser for each viewer, in the order of their joins.
 * @param order sites of the viewers
 */
export async function openSeats(
  offices: readonly Office[],
  order: readonly number[],
  scenario: Scenario,
  subject: SubjectName,
): Promise<Seat[]> {
  const entry = fileURLToPath(new URL('pages/viewer.ts', import.meta.url))
  // p2p-media-loader's own bundle of its core: its dependencies are written for Node.
  const conditions = ['p2pml:core-as-bundle']
  const script = await bundle(entry, { globalName: 'viewer', minify: true, conditions })
  const options = { features: scenario.features, secure: scenario.origin === 'secure', script }
  const places = order.map(site => ({ site, namespace: offices[site]!.addDesk() }))
  const seats: Seat[] = []
  const waiting = [...places.entries()]
  const open = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, { site, namespace }] = next
      seats[index] = seatAt(await openDesk(namespace, options), site, scenario, subject)
    }
  }
  const opened = await Promise.allSettled(Array.from({ length: openingAtOnce }, open))
  const failed = opened.find(result => result.status === 'rejected')
  if (failed) {
    for (const seat of seats) await seat?.close()
    throw failed.reason
  }
  return seats
}

function seatAt(desk: Desk, site: number, scenario: Scenario, subject: SubjectName): Seat {
  let last: ViewerReport | null = null
  const seat: Seat = {
    site,
    play: () =>
      desk.page.evaluate(([name, around]) => viewer.start(name, around), [
        subject,
        surroundingsOf(scenario),
      ] as const),
    seek: to => desk.page.evaluate(seconds => viewer.seek(seconds), to),
    report: async () => last ?? desk.page.evaluate(() => viewer.report()),
    async kill() {
      last = await seat.report()
      desk.namespace.kill()
    },
    close: () => desk.close(),
  }
  return seat
}
