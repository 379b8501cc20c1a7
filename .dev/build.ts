// `npm run build`: every package as ESM with types into its dist/, and the player plugin as one file each for
// <script> (dist/nearcast.js, global `Nearcast`) and for import (dist/nearcast.mjs); the tracker's dashboard with it.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { bundleDashboard } from '../tracker/dashboard/bundle.ts'
import { bundlePlugin, root } from './bundle.ts'

/** In the order of their dependencies: each is compiled against the types that the earlier ones have emitted. */
const packages = ['peer-core', 'edge-fallback', 'player-plugin', 'tracker']

let failed = false
for (const name of packages) failed = !compile(join(root, name)) || failed
if (failed) process.exit(1)

for (const [format, file] of [
  ['iife', 'nearcast.js'],
  ['esm', 'nearcast.mjs'],
] as const) {
  const { code } = await bundlePlugin(format)
  const path = join(root, 'player-plugin/dist', file)
  if (existsSync(path)) throw new Error(`${file} is also the name of a compiled module: rename one of them`)
  writeFileSync(path, code)
  console.log(`player-plugin/dist/${file}  ${code.length} bytes`)
}

const dashboard = join(root, 'tracker/dist/dashboard/page')
mkdirSync(dashboard)
for (const { path, text } of await bundleDashboard()) {
  writeFileSync(join(dashboard, path), text)
  console.log(`tracker/dist/dashboard/page/${path}  ${text.length} bytes`)
}

function compile(directory: string): boolean {
  rmSync(join(directory, 'dist'), { recursive: true, force: true })
  const base = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile).config as {
    compilerOptions: Record<string, unknown>
  }
  const parsed = ts.parseJsonConfigFileContent(
    {
      compilerOptions: {
        ...base.compilerOptions,
        // Not the sources of the other packages: what a user of the package would see.
        customConditions: [],
        lib: ['ES2023', 'DOM', 'DOM.Iterable', 'ESNext.Disposable'],
        types: ['node'],
        rootDir: 'src',
        outDir: 'dist',
        declaration: true,
        sourceMap: true,
        declarationMap: true,
      },
      include: ['src/**/*.ts', 'types/**/*.d.ts'],
      exclude: ['**/*.test.ts'],
    },
    ts.sys,
    directory,
  )
  const program = ts.createProgram(parsed.fileNames, parsed.options)
  const emitted = program.emit()
  const problems = [...parsed.errors, ...ts.getPreEmitDiagnostics(program), ...emitted.diagnostics]
  if (problems.length > 0) {
    const host = {
      getCurrentDirectory: () => root,
      getCanonicalFileName: (name: string) => name,
      getNewLine: () => '\n',
    }
    console.error(ts.formatDiagnostics(problems, host))
  }
  console.log(`${directory.slice(root.length + 1)}/dist  ${parsed.fileNames.length} files`)
  return problems.length === 0
}
