import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, posix, relative, sep } from 'node:path'
import type { Stream } from './page/catalogue.ts'

const deepest = 6

/**
 * The streams of a folder: every multivariant playlist, and every media playlist that none of those names.
 * Empty when there is none.
 */
export async function findStreams(root: string): Promise<Stream[]> {
  const files = await playlistFiles(root, 0)
  const playlists = await Promise.all(files.map(async file => ({ file, text: await readFile(file, 'utf8') })))
  const masters = playlists.filter(({ text }) => text.includes('#EXT-X-STREAM-INF'))
  const named = new Set(
    masters.flatMap(({ file, text }) => referenced(text).map(uri => join(dirname(file), uri))),
  )
  const textOf = new Map(playlists.map(({ file, text }) => [file, text]))
  const streams = playlists
    .filter(
      ({ file, text }) =>
        text.includes('#EXTM3U') && (masters.some(master => master.file === file) || !named.has(file)),
    )
    .map(({ file, text }) => {
      const path = relative(root, file).split(sep).join(posix.sep)
      const media = text.includes('#EXTINF')
        ? text
        : referenced(text)
            .map(uri => textOf.get(join(dirname(file), uri)))
            .find(found => found !== undefined)
      const live = media !== undefined && !media.includes('#EXT-X-ENDLIST')
      return { name: path, title: path, url: `/${path.split('/').map(encodeURIComponent).join('/')}`, live }
    })
  return streams.sort((a, b) => a.name.localeCompare(b.name))
}

async function playlistFiles(dir: string, depth: number): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true })
  const below = await Promise.all(
    entries.map(entry => {
      const path = join(dir, entry.name)
      if (entry.isDirectory() && depth < deepest && !entry.name.startsWith('.'))
        return playlistFiles(path, depth + 1)
      return entry.isFile() && /\.m3u8$/i.test(entry.name) ? [path] : []
    }),
  )
  return below.flat()
}

/** Relative URIs of the playlists that a multivariant playlist names, without queries. */
function referenced(text: string): string[] {
  const lines = text.split(/\r?\n/)
  const variants = lines.filter(
    (line, index) =>
      line !== '' && !line.startsWith('#') && lines[index - 1]?.startsWith('#EXT-X-STREAM-INF'),
  )
  const media = [...text.matchAll(/#EXT-X-MEDIA:[^\n]*URI="([^"]+)"/g)].map(match => match[1] ?? '')
  return [...variants, ...media].map(uri => decodeURI(uri.split('?')[0] ?? uri))
}
