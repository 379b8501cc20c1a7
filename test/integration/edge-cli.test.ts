import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  createHasher,
  listMatches,
  parseDigestTags,
  parseSidecarHeader,
  parseSidecarPage,
  scanPlaylist,
  segmentRoot,
} from '@nearcast/peer-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const cli = fileURLToPath(new URL('../../edge-fallback/src/cli/edge.ts', import.meta.url))
const hasher = createHasher()
let dir: string
const children: ChildProcess[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nearcast-cli-'))
})

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
  rmSync(dir, { recursive: true, force: true })
})

interface Run {
  readonly child: ChildProcess
  /** Lines of standard output so far. */
  readonly lines: string[]
  errors: string
  readonly exit: Promise<number | null>
  line(test: (line: string) => boolean): Promise<string>
}

function run(...args: string[]): Run {
  const child = spawn(process.execPath, ['--conditions=nearcast-source', cli, ...args], {
    cwd: dir,
    env: { ...process.env, NEARCAST_CWD: dir },
  })
  children.push(child)
  const lines: string[] = []
  let rest = ''
  const started: Run = {
    child,
    lines,
    errors: '',
    // 'exit' may come before the last of the output.
    exit: new Promise(resolve => child.on('close', code => resolve(code))),
    line: async test => {
      await expect.poll(() => lines.some(test), { timeout: 15_000, interval: 10 }).toBe(true)
      return lines.find(test)!
    },
  }
  child.stdout!.on('data', chunk => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
  })
  child.stderr!.on('data', chunk => {
    started.errors += chunk
  })
  return started
}

function record(folder: string, count: number): Buffer[] {
  mkdirSync(join(dir, folder), { recursive: true })
  const media = Array.from({ length: count }, (_, i) => randomBytes(20_000 + 1000 * i))
  for (const [i, bytes] of media.entries()) writeFileSync(join(dir, folder, `s${i}.ts`), bytes)
  writeFileSync(join(dir, folder, 'index.m3u8'), playlistOf(count, '#EXT-X-ENDLIST\n'))
  return media
}

function playlistOf(count: number, end = '', first = 0): string {
  const segments = Array.from({ length: count - first }, (_, i) => `#EXTINF:2,\ns${first + i}.ts\n`).join('')
  return `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n${segments}${end}`
}

const read = (path: string) => readFileSync(join(dir, path), 'utf8')

describe('nearcast-edge serve', () => {
  it('says in one line when and where it listens, serves, logs, and ends on SIGTERM', async () => {
    record('vod', 2)
    const edge = run('--port', '0', '--dir', dir, '--log', 'access.jsonl', '--live', 'vod/index.m3u8')
    const { ready, url, live } = JSON.parse(await edge.line(line => line.includes('ready')))
    expect([ready, live]).toEqual([true, ['/live/vod']])
    const playlist = await (await fetch(`${url}/vod/index.m3u8`)).text()
    expect(parseDigestTags(playlist, `${url}/vod/index.m3u8`).segments.size).toBe(2)
    expect((await fetch(`${url}/live/vod/index.m3u8`)).status).toBe(200)
    edge.child.kill('SIGTERM')
    expect(await edge.exit).toBe(0)
    const log = read('access.jsonl')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(log.map(entry => entry.path)).toEqual(['/vod/index.m3u8', '/live/vod/index.m3u8'])
    expect(edge.errors).toMatch(
      /^Nearcast edge on port \d+, all addresses of this machine\. Stop with Ctrl-C\.\n$/,
    )
  })

  it('is also what it does without a command, in the current directory', async () => {
    record('vod', 1)
    const edge = run('--port', '0')
    const { url } = JSON.parse(await edge.line(line => line.includes('ready')))
    expect((await fetch(`${url}/vod/s0.ts`)).status).toBe(200)
    edge.child.kill('SIGINT')
    expect(await edge.exit).toBe(0)
  })

  it('names a taken port and what to do about it', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const edge = run('--port', String(port))
    expect(await edge.exit).toBe(1)
    expect(edge.errors).toContain(`port ${port} is taken`)
    expect(edge.errors).toContain('--port')
    expect(edge.lines).toEqual([])
    other.close()
  })

  it.each([
    [['--dir', 'nowhere'], 'there is no directory'],
    [['--port', 'abc'], 'whole number'],
    [['--origin', 'example.org'], '--origin https://'],
    [['--live', 'nothing.m3u8'], 'cannot be looped'],
    [['--bogus'], '--help'],
    [['digest', 'nowhere'], 'there is no directory'],
    [['digest', '.'], 'no media playlist'],
    [['digest', '.', '--hashes-url', '/x'], '{root}'],
  ])('%j ends with a remedy', async (args, text) => {
    const edge = run(...args)
    expect(await edge.exit).not.toBe(0)
    expect(edge.errors).toContain(text)
    expect(edge.errors).not.toContain('    at ')
  })
})

describe('nearcast-edge digest', () => {
  it('writes tags, sidecar and lists that verify the media, beside it', async () => {
    const media = record('a/b', 4)
    const digest = run('digest', '.')
    expect(await digest.exit).toBe(0)
    expect(JSON.parse(digest.lines.at(-1)!)).toEqual({
      playlists: 1,
      written: 2,
      segments: 4,
      missing: 0,
      bytesRead: media.reduce((sum, bytes) => sum + bytes.length, 0),
    })
    const url = 'http://h/a/b/index.m3u8'
    const beside = read('a/b/index.m3u8.nearcast')
    const tables = [
      parseDigestTags(read('a/b/index.m3u8'), url),
      parseSidecarPage(beside, parseSidecarHeader(beside)!, url),
    ]
    for (const { segments } of tables) {
      expect(segments.size).toBe(4)
      for (const [seq, { size, root, hashesUrl }] of segments) {
        expect([size, root]).toEqual([media[seq]!.length, await segmentRoot(media[seq]!, hasher)])
        const list = readFileSync(join(dir, new URL(hashesUrl).pathname))
        expect(await listMatches(new Uint8Array(list), size, root, hasher)).toBe(true)
      }
    }
  })

  it('changes nothing the second time, reads nothing again, and takes up what changed', async () => {
    record('v', 3)
    await run('digest', '.').exit
    const before = [
      read('v/index.m3u8'),
      read('v/index.m3u8.nearcast'),
      statSync(join(dir, 'v/index.m3u8')).mtimeMs,
    ]
    const again = run('digest', '.')
    await again.exit
    expect(JSON.parse(again.lines.at(-1)!)).toMatchObject({ written: 0, segments: 3, bytesRead: 0 })
    expect([
      read('v/index.m3u8'),
      read('v/index.m3u8.nearcast'),
      statSync(join(dir, 'v/index.m3u8')).mtimeMs,
    ]).toEqual(before)
    const fresh = randomBytes(999)
    writeFileSync(join(dir, 'v/s1.ts'), fresh)
    const third = run('digest', '.')
    await third.exit
    expect(JSON.parse(third.lines.at(-1)!)).toMatchObject({ written: 2, bytesRead: 999 })
    const { segments } = parseDigestTags(read('v/index.m3u8'), 'http://h/v/index.m3u8')
    expect(segments.get(1)).toMatchObject({ size: 999, root: await segmentRoot(fresh, hasher) })
    expect(read('v/index.m3u8').match(/#EXT-X-NEARCAST:/g)).toHaveLength(1)
  })

  it('says which segments are missing, and tags the others', async () => {
    record('v', 3)
    rmSync(join(dir, 'v/s1.ts'))
    const digest = run('digest', '.')
    expect(await digest.exit).toBe(0)
    expect(digest.errors).toContain('1 of 3 segments not found')
    expect([...parseDigestTags(read('v/index.m3u8'), 'http://h/v/index.m3u8').segments.keys()]).toEqual([
      0, 2,
    ])
  })

  it('reads nothing outside the directory, and leaves no temporary files', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'nearcast-out-'))
    writeFileSync(join(outside, 'x.ts'), 'x')
    mkdirSync(join(dir, 'v'))
    const uris = [
      `../../${outside.split('/').at(-1)}/x.ts`,
      '%2e%2e/%2e%2e/etc/passwd',
      'http://h/x.ts',
      '//h/x.ts',
    ]
    writeFileSync(
      join(dir, 'v/i.m3u8'),
      `#EXTM3U\n${uris.map(uri => `#EXTINF:2,\n${uri}\n`).join('')}#EXT-X-ENDLIST\n`,
    )
    const digest = run('digest', '.')
    expect(await digest.exit).toBe(0)
    expect(JSON.parse(digest.lines.at(-1)!)).toMatchObject({ segments: 0, missing: 4, bytesRead: 0 })
    expect(readdirSync(dir, { recursive: true }).filter(name => String(name).endsWith('.tmp'))).toEqual([])
    rmSync(outside, { recursive: true })
  })

  /** A packager that keeps a window of five segments, replacing its playlist by rename. */
  async function packageLive(folder: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      writeFileSync(join(dir, folder, `s${i}.ts`), randomBytes(30_000 + i))
      writeFileSync(join(dir, folder, 'live.tmp'), playlistOf(i + 1, '', Math.max(0, i - 4)))
      renameSync(join(dir, folder, 'live.tmp'), join(dir, folder, 'live.m3u8'))
      await new Promise(resolve => setTimeout(resolve, 120))
    }
  }

  const untagged = (text: string) => {
    const playlist = scanPlaylist(text)!
    const { segments } = parseDigestTags(text, 'http://h/live.m3u8')
    return playlist.segments.filter(segment => !segments.has(segment.sequence)).length
  }

  it('--watch tags each playlist that a packager writes, and never takes a newer one back', async () => {
    mkdirSync(join(dir, 'in'))
    writeFileSync(join(dir, 'in/s0.ts'), randomBytes(30_000))
    writeFileSync(join(dir, 'in/live.m3u8'), playlistOf(1))
    const digest = run('digest', 'in', '--watch')
    await digest.line(line => line.includes('playlists'))
    await packageLive('in', 12)
    await expect.poll(() => untagged(read('in/live.m3u8')), { timeout: 10_000 }).toBe(0)
    const { segments } = scanPlaylist(read('in/live.m3u8'))!
    expect(segments.map(segment => segment.sequence)).toEqual([7, 8, 9, 10, 11])
    expect(read('in/live.m3u8').match(/#EXT-X-NEARCAST-SEGMENT/g)).toHaveLength(5)
    digest.child.kill('SIGTERM')
    expect(await digest.exit).toBe(0)
    expect(digest.errors).toBe('')
  })

  it('--watch --out never publishes a playlist without its tags, nor one whose segments are not there', async () => {
    mkdirSync(join(dir, 'in'))
    mkdirSync(join(dir, 'out'))
    const seen: { untagged: number; absent: number; newest: number }[] = []
    const watcher = watch(join(dir, 'out'), (_, name) => {
      if (name !== 'live.m3u8' || !existsSync(join(dir, 'out/live.m3u8'))) return
      const text = read('out/live.m3u8')
      const { segments } = scanPlaylist(text)!
      const absent = segments.filter(segment => !existsSync(join(dir, 'out', segment.uri))).length
      seen.push({ untagged: untagged(text), absent, newest: segments.at(-1)!.sequence })
    })
    writeFileSync(join(dir, 'in/s0.ts'), randomBytes(30_000))
    writeFileSync(join(dir, 'in/live.m3u8'), playlistOf(1))
    const digest = run('digest', 'in', '--out', 'out', '--watch')
    await digest.line(line => line.includes('playlists'))
    await packageLive('in', 12)
    await expect.poll(() => seen.at(-1)?.newest, { timeout: 10_000 }).toBe(11)
    watcher.close()
    expect(seen.every(each => each.untagged === 0 && each.absent === 0)).toBe(true)
    expect(seen.length).toBeGreaterThan(5)
    expect(read('in/live.m3u8')).not.toContain('NEARCAST')
    digest.child.kill('SIGINT')
    expect(await digest.exit).toBe(0)
  })
})
