import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { Catalogue } from './page/catalogue.ts'

const script = fileURLToPath(new URL('start.ts', import.meta.url))
const cleanUps: (() => Promise<unknown> | undefined)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

interface Started {
  readonly child: ChildProcess
  readonly text: () => string
  readonly exit: Promise<number | null>
}

function start(args: readonly string[], cwd = '/'): Started {
  return watched(
    spawn(process.execPath, ['--conditions=nearcast-source', script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NEARCAST_CWD: cwd },
    }),
  )
}

function watched(child: ChildProcessByStdio<null, Readable, Readable>): Started {
  let text = ''
  child.stdout.on('data', chunk => (text += chunk))
  child.stderr.on('data', chunk => (text += chunk))
  // 'exit' may come before the last of the output.
  const exit = once(child, 'close').then(([code]) => code as number | null)
  cleanUps.push(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exit
  })
  return { child, text: () => text, exit }
}

async function urlOf({ text, exit }: Started): Promise<string> {
  let over = false
  exit.then(() => (over = true))
  for (;;) {
    const found = /http:\/\/localhost:\d+\//.exec(text())
    if (found) return found[0]
    if (over) throw new Error(`it ended: ${text()}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'nearcast-start-'))
  cleanUps.push(() => rm(dir, { recursive: true }))
  return dir
}

async function busyPort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  cleanUps.push(() => new Promise(resolve => server.close(resolve)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

describe('npm start', () => {
  it('serves page, catalogue, every stream, tracker and STUN on one port, and ends cleanly', async () => {
    const started = start(['--port', '0'])
    const url = await urlOf(started)
    expect(await (await fetch(url)).text()).toContain('<title>Nearcast</title>')
    const catalogue = (await (await fetch(`${url}demo/catalogue.json`)).json()) as Catalogue
    expect(catalogue.streams.length).toBeGreaterThan(8)
    for (const stream of catalogue.streams) {
      const manifest = new URL(stream.url, url)
      const text = await (await fetch(manifest)).text()
      expect(text, stream.url).toMatch(/^#EXTM3U/)
      const first = text.split('\n').find(line => line !== '' && !line.startsWith('#'))
      expect((await fetch(new URL(first ?? '', manifest))).status, stream.url).toBe(200)
    }
    const socket = new WebSocket(`${url.replace('http', 'ws')}${catalogue.announcePath.slice(1)}`)
    await once(socket, 'open')
    socket.close()
    expect(await stunAnswers(Number(new URL(url).port))).toBe(true)
    started.child.kill('SIGTERM')
    expect(await started.exit).toBe(0)
  })

  it('ends with the shell that npm started it in, which tells nobody when it is killed', async () => {
    const run = fileURLToPath(new URL('../../.dev/run.mjs', import.meta.url))
    // As npm does; the second command keeps the shell from becoming the first.
    const shell = watched(
      spawn('sh', ['-c', `node "${run}" start --port 0; true`], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, npm_lifecycle_event: 'start' },
      }),
    )
    const url = await urlOf(shell)
    expect((await fetch(url)).status).toBe(200)
    shell.child.kill('SIGKILL')
    await expect
      .poll(() =>
        fetch(url).then(
          () => 'serves',
          () => 'gone',
        ),
      )
      .toBe('gone')
  })

  it('tells the two videos of one URL apart by the query', async () => {
    const url = await urlOf(start(['--port', '0']))
    const [seven, eight] = await Promise.all(
      [7, 8].map(async id => Buffer.from(await (await fetch(`${url}query/003.ts?id=${id}`)).arrayBuffer())),
    )
    expect(seven?.length).toBeGreaterThan(10_000)
    expect(seven?.equals(eight ?? Buffer.alloc(0))).toBe(false)
  })

  it('counts a copy for each time that a segment leaves the edge', async () => {
    const url = await urlOf(start(['--port', '0']))
    for (let n = 0; n < 3; n++) await (await fetch(`${url}ts/high/000.ts`)).arrayBuffer()
    expect(await (await fetch(`${url}demo/copies?stream=ts`)).json()).toEqual({ copies: 3 })
    expect(await (await fetch(`${url}demo/copies?stream=fmp4`)).json()).toEqual({ copies: null })
  })

  it('serves a folder of your own, named from where you stand', async () => {
    const dir = await folder()
    await writeFile(
      join(dir, 'show.m3u8'),
      '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXT-X-ENDLIST\n',
    )
    await writeFile(join(dir, '0.ts'), 'not really')
    const url = await urlOf(start(['--port', '0', '--dir', '.'], dir))
    const { streams } = (await (await fetch(`${url}demo/catalogue.json`)).json()) as Catalogue
    expect(streams.map(stream => stream.url)).toEqual(['/show.m3u8'])
    expect(await (await fetch(`${url}0.ts`)).text()).toBe('not really')
  })

  it('stands in front of an origin', async () => {
    const origin = await urlOf(start(['--port', '0']))
    const url = await urlOf(start(['--port', '0', '--origin', `${origin}ts/master.m3u8`]))
    const { streams } = (await (await fetch(`${url}demo/catalogue.json`)).json()) as Catalogue
    expect(streams).toMatchObject([{ url: '/ts/master.m3u8', live: false }])
    const [theirs, ours] = await Promise.all(
      [origin, url].map(async base => (await fetch(`${base}ts/low/000.ts`)).arrayBuffer()),
    )
    expect(Buffer.from(ours ?? new ArrayBuffer(0)).equals(Buffer.from(theirs ?? new ArrayBuffer(1)))).toBe(
      true,
    )
  })

  it('names another port when the port is taken', async () => {
    const port = await busyPort()
    const started = start(['--port', String(port)])
    expect(await started.exit).toBe(1)
    expect(started.text()).toContain(`Port ${port} is taken`)
    expect(started.text()).toContain(`--port ${port + 1}`)
  })

  it('says what it looked for when a folder has no playlist', async () => {
    const started = start(['--port', '0', '--dir', '.'], await folder())
    expect(await started.exit).toBe(1)
    expect(started.text()).toContain('*.m3u8')
  })

  it('says so when there is no such folder, no such origin, no such site file', async () => {
    const cases = [
      [['--dir', 'nowhere'], 'no folder /nowhere'],
      [['--origin', 'http://127.0.0.1:9/a.m3u8'], 'does not answer'],
      [['--sites', 'nowhere.csv'], '/nowhere.csv cannot be read'],
      [['--origin', 'example.org'], 'begins with http://'],
      [['--port', '99999'], 'from 0 to 65535'],
    ] as const
    for (const [args, message] of cases) {
      const started = start(['--port', '0', ...args])
      expect(await started.exit, args.join(' ')).toBe(1)
      expect(started.text()).toContain(message)
      expect(started.text()).not.toContain('    at ')
    }
  })

  it('explains a site file with a bad row by its line', async () => {
    const dir = await folder()
    await writeFile(
      join(dir, 'sites.csv'),
      'site,cidr,mode,wan,uploadKbps\nberlin,10.1.0.0/33,share,allow,0\n',
    )
    const started = start(['--port', '0', '--sites', 'sites.csv'], dir)
    expect(await started.exit).toBe(1)
    expect(started.text()).toContain('line 2')
    expect(started.text()).not.toContain('    at ')
  })

  it('shows its options', async () => {
    const started = start(['--help'])
    expect(await started.exit).toBe(0)
    for (const option of ['--port', '--host', '--dir', '--origin', '--sites'])
      expect(started.text()).toContain(option)
  })
})

/** Sends a STUN binding request (RFC 8489 §5, §14) and waits for its success response. */
async function stunAnswers(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  const transaction = Buffer.from('0123456789ab')
  const request = Buffer.concat([Buffer.from('000100002112a442', 'hex'), transaction])
  const answer = once(socket, 'message')
  const again = setInterval(() => socket.send(request, port, '127.0.0.1'), 200)
  const [message] = (await answer) as [Buffer]
  clearInterval(again)
  socket.close()
  return message.readUInt16BE(0) === 0x0101 && message.subarray(8, 20).equals(transaction)
}
