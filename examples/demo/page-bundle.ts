import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** The page's files by their path on the server, ready to send. */
export type PageBundle = ReadonlyMap<string, { readonly type: string; readonly body: string }>

const page = (file: string) => fileURLToPath(new URL(`page/${file}`, import.meta.url))

/** Bundles the page from its sources, once. Takes less than a second. */
export async function bundlePage(): Promise<PageBundle> {
  const [html, script, style] = await Promise.all([
    readFile(page('index.html'), 'utf8'),
    bundle('main.ts', 'page.js'),
    bundle('style.css', 'style.css'),
  ])
  return new Map([['/', { type: 'text/html; charset=utf-8', body: html }], ...script, ...style])
}

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  map: 'application/json',
}

async function bundle(entry: string, name: string): Promise<[string, { type: string; body: string }][]> {
  const result = await build({
    entryPoints: [page(entry)],
    outfile: name,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['nearcast-source', 'browser', 'import'],
    // The wire's CommonJS packages were written for bundlers that define these.
    define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    minify: true,
    sourcemap: 'linked',
    logLevel: 'error',
  })
  return result.outputFiles.map(({ path, text }) => {
    const file = basename(path)
    return [
      `/demo/${file}`,
      { type: types[file.slice(file.lastIndexOf('.') + 1)] ?? 'text/plain', body: text },
    ]
  })
}
