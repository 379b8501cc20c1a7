import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SegmentKey } from '../core/events.ts'
import type { Store, StoredSegment } from '../ports.ts'
import { SwarmError } from '../swarm.ts'
import { lockDirectory } from './directory-lock.ts'
import { type IndexRow, parseIndex, writeIndex } from './file-index.ts'
import { parseHeader, type SegmentHeader, sealHeader } from './segment-file.ts'

export interface FileStoreOptions {
  /** Folder of this content alone; made when missing. Other files in it are left alone. */
  readonly dir: string
  /** Longest time that a change stays out of the index, ms. A crash costs only reading headers again. @default 2000 */
  readonly indexDelayMs?: number
}

/** A store on disk. Budgets are the core's; this counts what is there. */
export interface FileStore extends Store {
  usage(): { readonly segments: number; readonly bytes: number }
  /** Waits for what is under way, writes the index and gives the folder free. May be called twice. */
  close(): Promise<void>
}

const suffix = '.segment'
const partSuffix = '.part'
const indexName = 'index.json'
/** Headers are read side by side, but a large cache must not use up the process's file handles. */
const parallelReads = 32

interface Entry extends IndexRow {
  /** Grows with each put: the order of `list`. */
  readonly order: number
}

/**
 * One file a segment: a header that describes it, then its bytes. Files are written beside their place and renamed, so
 * a crash leaves whole files and `.part` files, which the next start removes. The index only saves reading headers:
 * what it lacks is read from the files, and what it has without a file is forgotten. No fsync: a file that lost its
 * bytes with the power fails its checksum, and counts as absent.
 *
 * Rejects with `SwarmError` reason `store-forbidden` (folder cannot be written) or `store-in-use` (another process).
 * `put` rejects with `store-quota` when the disk is full, else `store-failed`.
 */
export async function createFileStore(options: FileStoreOptions): Promise<FileStore> {
  const { dir, indexDelayMs = 2_000 } = options
  try {
    await mkdir(dir, { recursive: true })
  } catch (cause) {
    throw new SwarmError('store-forbidden', `${dir} cannot be made or written.`, cause)
  }
  const unlock = await lockDirectory(dir)
  try {
    return new DirectoryStore(dir, indexDelayMs, await load(dir), unlock)
  } catch (cause) {
    await unlock()
    throw new SwarmError('store-forbidden', `${dir} cannot be read.`, cause)
  }
}

class DirectoryStore implements FileStore {
  readonly #dir: string
  readonly #indexDelayMs: number
  readonly #unlock: () => Promise<void>
  readonly #entries: Map<SegmentKey, Entry>
  /** The last operation on each key: put, get and evict of one key happen as they were called. */
  readonly #chains = new Map<SegmentKey, Promise<unknown>>()
  #bytes = 0
  #order = 0
  #parts = 0
  #indexTimer: NodeJS.Timeout | null = null
  #indexing: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null

  constructor(
    dir: string,
    indexDelayMs: number,
    entries: Map<SegmentKey, Entry>,
    unlock: () => Promise<void>,
  ) {
    this.#dir = dir
    this.#indexDelayMs = indexDelayMs
    this.#unlock = unlock
    this.#entries = entries
    for (const { header, order } of entries.values()) {
      this.#bytes += header.length
      this.#order = Math.max(this.#order, order)
    }
  }

  put(segment: StoredSegment, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice()
    const { key } = segment.entry
    return this.#after(key, () => this.#write(key, segment, copy))
  }

  get(key: SegmentKey): Promise<Uint8Array | undefined> {
    return this.#after(key, () => this.#read(key))
  }

  evict(key: SegmentKey): Promise<void> {
    return this.#after(key, () => this.#forget(key))
  }

  async list(): Promise<readonly StoredSegment[]> {
    await Promise.allSettled(this.#chains.values())
    const entries = [...this.#entries.values()].sort((a, b) => a.order - b.order)
    return entries.map(({ header }) => header.segment)
  }

  usage(): { segments: number; bytes: number } {
    return { segments: this.#entries.size, bytes: this.#bytes }
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #finish(): Promise<void> {
    await Promise.allSettled(this.#chains.values())
    if (this.#indexTimer) clearTimeout(this.#indexTimer)
    this.#indexTimer = null
    try {
      await this.#writeIndex()
    } finally {
      await this.#unlock()
    }
  }

  #after<T>(key: SegmentKey, work: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(new SwarmError('store-closed', 'The store is closed.'))
    const done = (this.#chains.get(key) ?? Promise.resolve()).then(work)
    const settled = done.then(
      () => {},
      () => {},
    )
    this.#chains.set(key, settled)
    void settled.then(() => {
      if (this.#chains.get(key) === settled) this.#chains.delete(key)
    })
    return done
  }

  async #write(key: SegmentKey, segment: StoredSegment, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const order = ++this.#order
    const header: SegmentHeader = { segment, length: bytes.length, sha256: sha256(bytes), order }
    const name = fileName(key)
    const part = join(this.#dir, `${name}.${++this.#parts}${partSuffix}`)
    const head = sealHeader(header)
    try {
      await writeFile(part, Buffer.concat([head, bytes]), { flag: 'wx' })
      await rename(part, join(this.#dir, name + suffix))
    } catch (cause) {
      await rm(part, { force: true }).catch(() => {})
      const full = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '')
      throw full
        ? new SwarmError('store-quota', `${this.#dir}: the disk is full.`, cause)
        : new SwarmError('store-failed', `${this.#dir} refused a segment.`, cause)
    }
    this.#drop(key)
    this.#bytes += bytes.length
    this.#entries.set(key, { header, offset: head.length, order })
    this.#indexSoon()
  }

  async #read(key: SegmentKey): Promise<Uint8Array | undefined> {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    const { offset, header } = entry
    const bytes = await readExactly(this.#path(key), offset, header.length).catch(() => null)
    if (bytes && sha256(bytes) === header.sha256) return bytes
    await this.#forget(key)
    return undefined
  }

  async #forget(key: SegmentKey): Promise<void> {
    if (!this.#drop(key)) return
    this.#indexSoon()
    await rm(this.#path(key), { force: true }).catch(cause => {
      throw new SwarmError('store-failed', `${this.#dir}: a segment could not be removed.`, cause)
    })
  }

  #drop(key: SegmentKey): boolean {
    const known = this.#entries.get(key)
    if (!known) return false
    this.#entries.delete(key)
    this.#bytes -= known.header.length
    return true
  }

  #path(key: SegmentKey): string {
    return join(this.#dir, fileName(key) + suffix)
  }

  #indexSoon(): void {
    if (this.#indexTimer || this.#closing) return
    this.#indexTimer = setTimeout(() => {
      this.#indexTimer = null
      this.#writeIndex().catch(() => {}) // the files say it all; the next change tries again
    }, this.#indexDelayMs)
    this.#indexTimer.unref()
  }

  #writeIndex(): Promise<void> {
    this.#indexing = this.#indexing
      .catch(() => {})
      .then(async () => {
        const part = join(this.#dir, `index.${++this.#parts}${partSuffix}`)
        await writeFile(part, writeIndex([...this.#entries.values()]))
        await rename(part, join(this.#dir, indexName))
      })
    return this.#indexing
  }
}

/** What the folder holds: from the index where that is right, else from the files themselves. */
async function load(dir: string): Promise<Map<SegmentKey, Entry>> {
  const names = await readdir(dir)
  for (const name of names) if (name.endsWith(partSuffix)) await rm(join(dir, name), { force: true })
  const indexed = new Map<string, IndexRow>()
  for (const row of parseIndex(await readText(join(dir, indexName))))
    indexed.set(fileName(row.header.segment.entry.key) + suffix, row)

  const rows: IndexRow[] = []
  const waiting = names.filter(name => name.endsWith(suffix))
  const work = async () => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const row = await inspect(dir, name, indexed.get(name))
      if (row) rows.push(row)
    }
  }
  await Promise.all(Array.from({ length: parallelReads }, work))
  rows.sort((a, b) => a.header.order - b.header.order)
  return new Map(rows.map(row => [row.header.segment.entry.key, { ...row, order: row.header.order }]))
}

/** Files that are named like ours and are not, or not whole, are removed. */
async function inspect(dir: string, name: string, known: IndexRow | undefined): Promise<IndexRow | null> {
  const path = join(dir, name)
  const info = await stat(path)
  if (!info.isFile()) return null
  if (known && info.size === known.offset + known.header.length) return known
  const row = await readHeader(path)
  const isOurs = row !== null && fileName(row.header.segment.entry.key) + suffix === name
  if (isOurs && info.size === row.offset + row.header.length) return row
  await rm(path, { force: true })
  return null
}

async function readHeader(path: string): Promise<IndexRow | null> {
  const file = await open(path, 'r')
  try {
    const start = Buffer.alloc(16_384)
    const { bytesRead } = await file.read(start, 0, start.length, 0)
    return parseHeader(start.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

async function readExactly(
  path: string,
  from: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const file = await open(path, 'r')
  try {
    const bytes = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const { bytesRead } = await file.read(bytes, at, length - at, from + at)
      if (bytesRead === 0) return null
      at += bytesRead
    }
    return bytes
  } finally {
    await file.close()
  }
}

async function readText(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => null)
  if (!file) return ''
  try {
    return await file.readFile('utf8')
  } catch {
    return ''
  } finally {
    await file.close()
  }
}

/** Keys hold slashes and may be longer than a file name. */
function fileName(key: SegmentKey): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 40)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
