import { expect, test } from 'vitest'
import { contestants } from '../bench/tracker/contestants.ts'
import { chapters } from '../contract/tracker/checks.ts'
import { knownFailures } from '../contract/tracker/known-failures.ts'
import { ownChapter } from '../contract/tracker/report.ts'
import { examine } from '../contract/tracker/subject.ts'

/** The protocol's demands, over real sockets, on every tracker that we have. */

const count = chapters.flatMap(({ checks }) => checks).length
const servers = new Map(contestants().map(contestant => [contestant.name, contestant]))

async function failures(name: string, patienceMs: number) {
  const contestant = servers.get(name)
  if (contestant === undefined) throw new Error(`${name} is not there`)
  const verdicts = await examine(contestant, patienceMs)
  expect(verdicts.size).toBe(count)
  return new Map([...verdicts].filter(([, { type }]) => type !== 'passes'))
}

test('our tracker passes every check on Node', async () => {
  expect(await failures('nearcast-node', 10_000)).toEqual(new Map())
}, 180_000)

// Where Bun has no build for this platform the line says so.
test.skipIf(!servers.has('nearcast-bun'))(
  'our tracker passes every check on Bun',
  async () => {
    expect(await failures('nearcast-bun', 10_000)).toEqual(new Map())
  },
  180_000,
)

test('bittorrent-tracker fails what it is known to fail, and nothing else', async () => {
  const failing = await failures('bittorrent-tracker', 2_000)
  const unknown = [...failing].filter(([name]) => !name.startsWith(ownChapter) && !knownFailures.has(name))
  // What merely came too late on a busy machine is not held against it.
  expect(
    unknown.filter(
      ([, verdict]) =>
        !/^no .* came$|never came|no more|did not close/.test('reason' in verdict ? verdict.reason : ''),
    ),
  ).toEqual([])
  const better = [...knownFailures].filter(([name, how]) => how !== 'by chance' && !failing.has(name))
  expect(better).toEqual([])
  for (const [name, how] of knownFailures) if (how === 'dies') expect(failing.get(name)?.type).toBe('dies')
}, 180_000)
