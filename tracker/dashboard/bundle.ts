import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const page = (file: string) => fileURLToPath(new URL(`page/${file}`, import.meta.url))
const pages = ['dashboard.html', 'sign-in.html', 'off.html']

/** The dashboard's files, for a server to send as they are. The chart library is in the script, with its licence. */
export async function bundleDashboard(): Promise<
  readonly { readonly path: string; readonly text: string }[]
> {
  const { outputFiles } = await build({
    entryPoints: { dashboard: page('main.ts'), style: page('style.css') },
    outdir: 'out',
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['es2022', 'chrome111', 'firefox120', 'safari17.5'],
    legalComments: 'eof',
    logLevel: 'error',
  })
  const html = await Promise.all(
    pages.map(async path => ({ path, text: await readFile(page(path), 'utf8') })),
  )
  return [...html, ...outputFiles.map(({ path, text }) => ({ path: path.replace(/.*[\\/]/, ''), text }))]
}
