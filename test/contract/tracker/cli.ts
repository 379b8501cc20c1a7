/** `npm run conformance`: the checks of this folder against our tracker, npm bittorrent-tracker, or any URL. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { contestants, roofline } from '../../bench/tracker/contestants.ts'
import { type Column, reportOf } from './report.ts'
import { examine, examineUrl } from './subject.ts'

const page = fileURLToPath(new URL('../../../docs/conformance.md', import.meta.url))

const { url, write, patience } = new Command('npm run conformance --')
  .description(
    'Checks over real WebSockets what a WebTorrent tracker does. Without --url: our tracker on each runtime that is ' +
      'installed, and npm bittorrent-tracker for the record. Exit code 1 when ours (or the one at --url) fails a check.',
  )
  .option('--url <url>', 'only this tracker, ws:// or wss://; it should trust X-Forwarded-For from here')
  .option('--patience <ms>', 'how long to wait for what should come', whole, 2_000)
  .option('--write', 'write the table to docs/conformance.md')
  .parse()
  .opts<{ url?: string; write?: boolean; patience: number }>()

const columns: Column[] = []
if (url !== undefined) columns.push({ server: url, verdicts: await examineUrl(url, patience) })
else {
  for (const contestant of contestants()) {
    if (contestant.name === roofline) continue
    console.error(`${contestant.name} …`)
    columns.push({ server: contestant.name, verdicts: await examine(contestant, patience) })
  }
}
for (const { server, verdicts } of columns) {
  for (const [name, verdict] of verdicts)
    if (verdict.type !== 'passes')
      console.log(`${server} ${verdict.type}: ${name}: ${verdict.reason.slice(0, 200)}`)
  const passing = [...verdicts.values()].filter(({ type }) => type === 'passes').length
  console.log(`${server}: ${passing} of ${verdicts.size} pass`)
}
if (write) writeFileSync(page, reportOf(columns))
const judged = columns.filter(({ server }) => server !== 'bittorrent-tracker')
process.exitCode = judged.every(({ verdicts }) =>
  [...verdicts.values()].every(({ type }) => type === 'passes'),
)
  ? 0
  : 1

function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number above zero is wanted')
  return Number(text)
}
