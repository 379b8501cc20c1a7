import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'

/** The page's files by name, ready to send. */
export type Assets = ReadonlyMap<string, { readonly type: string; readonly body: string }>

const assetTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}

let loaded: Promise<Assets> | null = null

/** Of the package as it was built, or, from the sources, bundled now; once. */
export function loadAssets(): Promise<Assets> {
  loaded ??= import.meta.url.endsWith('.ts') ? bundled() : built()
  return loaded
}

async function built(): Promise<Assets> {
  const folder = new URL('./page/', import.meta.url)
  const files = await readdir(folder)
  return new Map(
    await Promise.all(
      files.map(async file => {
        const body = await readFile(new URL(file, folder), 'utf8')
        return [file, { type: typeOf(file), body }] as const
      }),
    ),
  )
}

/** The bundler is no part of the package: nobody who installs it has the sources of the page. */
async function bundled(): Promise<Assets> {
  const bundler = new URL('../../dashboard/bundle.ts', import.meta.url).href
  const { bundleDashboard } = (await import(/* @vite-ignore */ bundler)) as {
    bundleDashboard(): Promise<readonly { readonly path: string; readonly text: string }[]>
  }
  const files = await bundleDashboard()
  return new Map(files.map(({ path, text }) => [basename(path), { type: typeOf(path), body: text }]))
}

function typeOf(file: string): string {
  return assetTypes[file.slice(file.lastIndexOf('.') + 1)] ?? 'text/plain; charset=utf-8'
}
