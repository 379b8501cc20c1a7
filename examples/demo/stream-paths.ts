import type { Stream } from './page/catalogue.ts'

/** Playlists, keys and digests are not media: they are counted elsewhere. */
export function isMediaPath(path: string): boolean {
  const plain = path.split('?')[0] ?? path
  return !/\.(m3u8|key|bin|nearcast|vtt)$/i.test(plain) && !plain.includes('/nearcast/hashes/')
}

/** Whether a path that the edge was asked for is of a stream: beside or below its manifest, and of the same query. */
export function belongsTo({ url }: Stream): (path: string) => boolean {
  const [manifest = '', query = ''] = url.split('?')
  const folder = manifest.replace(/[^/]*$/, '')
  return path => {
    const [plain = '', search = ''] = path.split('?')
    return plain.startsWith(folder) && (query === '' || search.split('&').includes(query))
  }
}

/** First byte that an answer carried: of the Range header when the answer is partial, else 0. */
export function firstByte(range: string, status: number): number {
  return status === 206 ? Number(/^bytes=(\d+)-/.exec(range)?.[1] ?? 0) : 0
}
