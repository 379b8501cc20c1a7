import { build } from 'esbuild'

export interface BundleOptions {
  /** Name of the global that holds the entry's exports. @default the entry is run for its effects alone */
  readonly globalName?: string
  /** @default false */
  readonly minify?: boolean
  /** Export conditions beside ours, for packages that offer themselves in forms of their own. @default [] */
  readonly conditions?: readonly string[]
}

/**
 * One classic script for the browser from a TypeScript entry (absolute path), straight from the sources:
 * `page.addScriptTag({ content: await bundle(entry) })`.
 */
export async function bundle(entry: string, options: BundleOptions = {}): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    conditions: ['nearcast-source', 'browser', 'import', ...(options.conditions ?? [])],
    // CommonJS dependencies of the wire were written for browserify.
    define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
    minify: options.minify ?? false,
    sourcemap: options.minify ? false : 'inline',
    logLevel: 'error',
    ...(options.globalName ? { globalName: options.globalName } : {}),
  })
  const [file] = result.outputFiles
  if (!file) throw new Error(`esbuild made nothing of ${entry}`)
  return file.text
}
