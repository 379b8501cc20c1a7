import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `npm run check`: everything that can be said about the sources without running them. */

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

export interface CheckResult {
  readonly name: string
  readonly isGood: boolean
}

const checks: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: 'types', command: ['tsc', '-p', '.', '--noEmit'] },
  { name: 'purity of peer-core/src/core', command: ['tsc', '-p', 'peer-core/src/core'] },
  { name: 'format, lint and direction of imports', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'nothing unused, nothing undeclared', command: ['knip'] },
]

export function runChecks(): CheckResult[] {
  return checks.map(({ name, command: [file, ...args] }) => {
    const started = performance.now()
    const run = spawnSync(process.execPath, [binary(file!), ...args], { cwd: root, encoding: 'utf8' })
    const isGood = run.status === 0
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${isGood ? '✓' : '✗'} ${name} (${seconds} s)`)
    if (!isGood) console.log(`${run.stdout}${run.stderr}`.trimEnd())
    return { name, isGood }
  })
}

/** The JavaScript file behind a tool in node_modules/.bin, so that the project's own Node runs it. */
function binary(name: string): string {
  const paths: Record<string, string> = {
    tsc: 'typescript/bin/tsc',
    biome: '@biomejs/biome/bin/biome',
    knip: 'knip/bin/knip.js',
  }
  return join(root, 'node_modules', paths[name]!)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = runChecks().every(check => check.isGood) ? 0 : 1
}
