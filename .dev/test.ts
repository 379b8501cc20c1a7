import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChecks } from './check.ts'

/**
 * `npm test`: the checks, then every suite. Arguments narrow it (`npm test -- --project unit`, or a file name) and
 * leave the checks out. The last line is `N passed, N failed`, with `, N skipped` when something was.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const args = process.argv.slice(2)

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[]
}

if (args.includes('--help') || args.includes('-h')) {
  console.log(`npm test                      checks, then all suites
npm test -- --project unit    only what needs no browser, socket or namespace
npm test -- --project patient --project real   only what does
npm test -- FILE …            only these files`)
  process.exit(0)
}

let passed = 0
let failed = 0
let skipped = 0
if (args.length === 0) {
  for (const { isGood } of runChecks()) isGood ? passed++ : failed++
}

const folder = mkdtempSync(join(tmpdir(), 'nearcast-test-'))
const file = join(folder, 'report.json')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
// Where the user stood when calling npm is no business of the commands that the tests start.
const { NEARCAST_CWD: _cwd, ...environment } = process.env
const run = spawnSync(
  process.execPath,
  [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...args],
  { cwd: root, stdio: 'inherit', env: { ...environment, NODE_OPTIONS: '--conditions=nearcast-source' } },
)
const report = readReport(file)
rmSync(folder, { recursive: true })
if (report) {
  passed += report.numPassedTests
  failed += report.numFailedTests
  skipped += report.numPendingTests + report.numTodoTests
  // A file that cannot even be loaded has no tests to fail: it counts as one.
  failed += report.testResults.filter(
    file => file.status === 'failed' && file.assertionResults.length === 0,
  ).length
}
if (run.status !== 0 && failed === 0) failed++
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed === 0 ? 0 : 1

function readReport(path: string): Report | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report
  } catch {
    return null
  }
}
