import { copyFile, link, mkdir, readdir, readFile, realpath, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import {
  type ByteRange,
  formatSidecarEntry,
  formatSidecarHeader,
  scanPlaylist,
  sidecarWidth,
} from '@nearcast/peer-core'
import { digestResource } from '../digest/digester.ts'
import { sidecarEntries } from '../digest/playlist-digests.ts'
import { namedBytes, tagPlaylist } from '../digest/tag-playlist.ts'
import { fileResource } from '../directory.ts'
import { writeAtomically } from './atomic-write.ts'
import { type CachedDigest, type DigestCache, loadDigestCache } from './digest-cache.ts'

export interface DigestDirectoryOptions {
  /** Directory with playlists and what they name. */
  readonly dir: string
  /**
   * Write there instead of changing playlists in place: media is linked (copied across file systems), playlists appear
   * with their tags and never without. For live packagers. @default in place
   */
  readonly out?: string
  /** URI template of the block-hash lists. @default relative, to `nearcast/hashes/` in the directory */
  readonly hashes?: string
  readonly onProgress?: (progress: DigestProgress) => void
  /** Things that were left out, for people. */
  readonly onWarning?: (warning: string) => void
}

export interface DigestProgress {
  /** Playlist at work. */
  readonly playlist: string
  readonly segmentsDone: number
  readonly segmentsInAll: number
  readonly bytesRead: number
}

export interface DigestSummary {
  /** Media playlists seen, and playlists and sidecars written because they changed. */
  readonly playlists: number
  readonly written: number
  /** Segments and init segments with a digest, those not found, and media bytes read for digests not cached. */
  readonly segments: number
  readonly missing: number
  readonly bytesRead: number
}

export interface DirectoryDigester {
  /** Brings everything up to date. Calls must not overlap. */
  run(): Promise<DigestSummary>
  /** Brings one playlist up to date, path below the directory. */
  runOne(path: string): Promise<DigestSummary>
}

const cacheFile = '.nearcast-digests.json'
/** Block-hash lists that no playlist names any more stay for clients that still hold the older playlist. */
const keepListMs = 10 * 60_000

export async function createDirectoryDigester(options: DigestDirectoryOptions): Promise<DirectoryDigester> {
  const root = await realpath(options.dir)
  const out =
    options.out === undefined
      ? root
      : await mkdir(options.out, { recursive: true }).then(() => realpath(options.out!))
  if (out !== root && (out + sep).startsWith(root + sep))
    throw new Error('the output may not lie in the directory')
  const cache: DigestCache = await loadDigestCache(join(out, cacheFile))
  const warn = options.onWarning ?? (() => {})
  /** When each root was last named by a playlist, ms. */
  const named = new Map<string, number>()
  const progress = { segmentsDone: 0, segmentsInAll: 0, bytesRead: 0 }

  /** The digest of a file or range, its block-hash list written. null when there is no such file. */
  async function digest(file: string, range: ByteRange | null): Promise<CachedDigest | null> {
    const info = await stat(file).catch(() => null)
    if (!info?.isFile()) return null
    const path = relative(root, file).split(sep).join('/')
    const key = range ? `${path} ${range.from}-${range.to}` : path
    const known = cache.find(key, info.size, info.mtimeMs)
    if (known && (await exists(listFile(known.root)))) return known
    const resource = await fileResource(file)
    const fresh = resource && (await digestResource(resource, range).catch(() => null))
    if (!fresh) return null
    progress.bytesRead += fresh.size
    // Before any playlist names it.
    await writeAtomically(listFile(fresh.root), fresh.list)
    const cached = { fileBytes: info.size, mtimeMs: info.mtimeMs, size: fresh.size, root: fresh.root }
    cache.set(key, cached)
    return cached
  }

  const listFile = (rootHash: string) => join(out, 'nearcast', 'hashes', rootHash)

  async function publish(
    path: string,
  ): Promise<{ written: number; segments: number; missing: number } | null> {
    const source = join(root, path)
    for (let attempt = 0; ; attempt++) {
      const text = await readFile(source, 'utf8').catch(() => null)
      const names = text === null ? null : namedBytes(text)
      if (text === null || !names) return null
      const digests = new Map<string, CachedDigest>()
      let missing = 0
      for (const { uri, range } of names) {
        const file = localFile(root, source, uri)
        const found = file && (await digest(file, range))
        if (found) digests.set(keyOf(uri, range), found)
        else missing++
        if (file && out !== root) await mirror(file, join(out, relative(root, file)))
        progress.segmentsDone++
        options.onProgress?.({ playlist: path, ...progress })
      }
      for (const { root: rootHash } of digests.values()) named.set(rootHash, Date.now())
      const template = options.hashes ?? `${'../'.repeat(path.split('/').length - 1)}nearcast/hashes/{root}`
      const tagged = tagPlaylist(text, template, ({ uri, range }) => digests.get(keyOf(uri, range)))
      const target = join(out, path)
      // A packager may have replaced the playlist meanwhile: writing now would take its newest segment back.
      if ((await readFile(source, 'utf8').catch(() => null)) !== text) {
        if (attempt < 5) continue
        return { written: 0, segments: digests.size, missing }
      }
      let written = (await writeIfChanged(target, tagged)) ? 1 : 0
      // A live playlist moves on too fast for a file beside it; its tags say it all.
      if (
        !scanPlaylist(text)!.live &&
        (await writeIfChanged(`${target}.nearcast`, sidecar(text, template, digests)))
      )
        written++
      return { written, segments: digests.size, missing }
    }
  }

  async function run(paths: readonly string[] | null): Promise<DigestSummary> {
    Object.assign(progress, { segmentsDone: 0, segmentsInAll: 0, bytesRead: 0 })
    const files = paths ?? (await filesBelow(root))
    const playlists = files.filter(path => /\.m3u8$/i.test(path))
    for (const path of playlists) {
      const text = await readFile(join(root, path), 'utf8').catch(() => '')
      progress.segmentsInAll += namedBytes(text)?.length ?? 0
    }
    if (out !== root && paths === null) await mirrorAll(files.filter(path => !/\.m3u8$/i.test(path)))
    const sum = { playlists: 0, written: 0, segments: 0, missing: 0 }
    for (const path of playlists) {
      const done = await publish(path)
      if (!done) {
        // A multivariant playlist is not changed.
        if (out !== root && (await copyIfChanged(join(root, path), join(out, path)))) sum.written++
        continue
      }
      sum.playlists++
      sum.written += done.written
      sum.segments += done.segments
      sum.missing += done.missing
      if (done.missing > 0)
        warn(`${path}: ${done.missing} of ${done.missing + done.segments} segments not found`)
    }
    if (paths === null) await cache.save()
    await pruneLists()
    return { ...sum, bytesRead: progress.bytesRead }
  }

  async function pruneLists(): Promise<void> {
    const before = Date.now() - keepListMs
    for (const [rootHash, at] of named) {
      if (at >= before) continue
      named.delete(rootHash)
      await rm(listFile(rootHash), { force: true })
    }
  }

  async function mirrorAll(paths: readonly string[]): Promise<void> {
    for (const path of paths) await mirror(join(root, path), join(out, path))
    const kept = new Set(paths)
    for (const path of await filesBelow(out)) {
      const ours = /\.m3u8(\.nearcast)?$/i.test(path) || path.startsWith('nearcast/')
      if (!ours && !kept.has(path)) await rm(join(out, path), { force: true })
    }
  }

  return { run: () => run(null), runOne: path => run([path]) }
}

function sidecar(text: string, hashes: string, digests: ReadonlyMap<string, CachedDigest>): string {
  const entries = sidecarEntries(text) ?? []
  const width = sidecarWidth(entries, hashes)
  const lines = entries.map(({ uri, ...entry }) => {
    const digest = digests.get(keyOf(uri, entry.range))
    return formatSidecarEntry({ ...entry, ...(digest && { size: digest.size, root: digest.root }) }, width)
  })
  return formatSidecarHeader({ width, count: entries.length, hashes }) + lines.join('')
}

/** The file that a playlist's URI means; null when it lies elsewhere. */
function localFile(root: string, playlist: string, uri: string): string | null {
  if (/^[a-z][a-z\d+.-]*:|^\/\//i.test(uri)) return null
  try {
    const path = decodeURIComponent(uri.replace(/[?#].*$/s, ''))
    const file = path.startsWith('/') ? join(root, path) : join(dirname(playlist), path)
    return file.startsWith(root + sep) && !file.includes('\0') ? file : null
  } catch {
    return null
  }
}

/** Paths of all files below `root` with `/`, hidden ones and our own lists left out. */
async function filesBelow(root: string): Promise<string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true })
  return found
    .filter(entry => entry.isFile())
    .map(entry => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter(
      path => !path.startsWith('nearcast/hashes/') && !path.split('/').some(name => name.startsWith('.')),
    )
    .sort()
}

/** Makes `target` the same file as `source`: a link, or a copy where the file system has none. */
async function mirror(source: string, target: string): Promise<void> {
  const [from, to] = await Promise.all([stat(source).catch(() => null), stat(target).catch(() => null)])
  if (!from || (to && (to.ino === from.ino || (to.size === from.size && to.mtimeMs >= from.mtimeMs)))) return
  await mkdir(dirname(target), { recursive: true })
  await rm(target, { force: true })
  await link(source, target).catch(() => copyFile(source, target))
}

async function copyIfChanged(source: string, target: string): Promise<boolean> {
  const text = await readFile(source, 'utf8').catch(() => null)
  return text !== null && writeIfChanged(target, text)
}

async function writeIfChanged(file: string, text: string): Promise<boolean> {
  if ((await readFile(file, 'utf8').catch(() => null)) === text) return false
  await writeAtomically(file, text)
  return true
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

function keyOf(uri: string, range: ByteRange | null): string {
  return range ? `${uri} ${range.from}-${range.to}` : uri
}
