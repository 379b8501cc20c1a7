import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTimerClock, createTrackerClient, type TokenSource } from '@nearcast/peer-core'
import { issueToken, type ListenOptions, listenTracker } from '@nearcast/tracker'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'

/** Who gets in, over real sockets, and as an operator sets it up. */

const secret = 'a-secret-of-thirty-two-characters'
const folder = mkdtempSync(join(tmpdir(), 'nearcast-access-'))
const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function start(options: ListenOptions) {
  const tracker = await listenTracker({ port: 0, host: '127.0.0.1', log: () => {}, ...options })
  cleanups.push(() => tracker.close())
  return tracker
}

const idOf = (name: string) => name.padEnd(20, '.')
const film = Buffer.from(idOf('film')).toString('hex')

interface Visit {
  /** HTTP status of a refused upgrade, else 101. */
  readonly status: number
  readonly heard: Record<string, unknown>[]
  readonly closed: Promise<number>
  say(fields?: object): void
}

function visit(url: string, headers: Record<string, string> = {}): Promise<Visit> {
  const socket = new WebSocket(url, { headers })
  cleanups.push(() => socket.terminate())
  const heard: Record<string, unknown>[] = []
  socket.on('message', data => heard.push(JSON.parse(String(data))))
  socket.on('error', () => {})
  const closed = new Promise<number>(resolve => socket.on('close', resolve))
  const say = (fields: object = {}) =>
    socket.send(
      JSON.stringify({ action: 'announce', info_hash: idOf('film'), peer_id: idOf('p'), ...fields }),
    )
  return new Promise(resolve => {
    socket.on('open', () => resolve({ status: 101, heard, closed, say }))
    socket.on('unexpected-response', (_, response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, heard, closed, say })
    })
  })
}

async function metric(url: string, name: string): Promise<string | undefined> {
  const text = await (await fetch(`${url.replace('ws:', 'http:')}/metrics`)).text()
  return text
    .split('\n')
    .find(line => line.startsWith(name))
    ?.split(' ')
    .at(-1)
}

const soon = (check: () => void, timeout = 8_000) => vi.waitFor(check, { timeout, interval: 20 })
const issue = (fields: Partial<Parameters<typeof issueToken>[0]> = {}) =>
  issueToken({ key: secret, content: [film], ttlSeconds: 60, ...fields })

describe('pages', () => {
  test('that are not on the list are turned away before anything is opened', async () => {
    const { url, tracker } = await start({ access: { origins: ['https://*.example.com'] } })
    expect((await visit(url, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await visit(url, { origin: 'https://www.example.com' })).status).toBe(101)
    expect((await visit(url)).status).toBe(101)
    await soon(() => expect(tracker.stats().connections).toBe(2))
    expect(await metric(url, 'nearcast_upgrades_refused_total{reason="origin"}')).toBe('1')
  })

  test('are all there is where programs are shut out', async () => {
    const { url } = await start({ access: { native: false } })
    expect((await visit(url)).status).toBe(403)
    expect((await visit(url, { origin: 'https://www.example.com' })).status).toBe(101)
  })
})

describe('required tokens', () => {
  const access = { tokens: 'required' as const, keys: [secret] }

  test('are taken in the query, in the path, and in the announce', async () => {
    const { url } = await start({ access })
    const token = await issue()
    const query = await visit(`${url}/?token=${token}`)
    const path = await visit(`${url}/announce/${token}/x`)
    const field = await visit(url)
    query.say()
    path.say()
    field.say({ nearcast: { v: 1, token } })
    for (const { heard } of [query, path, field])
      await soon(() => expect(heard[0]).toMatchObject({ action: 'announce', interval: expect.any(Number) }))
  })

  test('that are bad in the URL end the upgrade; none at all ends the socket, after words that an old client survives', async () => {
    const { url } = await start({ access, limits: { firstMessageMs: 300 } })
    const forged = await issue({ key: 'another-secret-of-32-characters..' })
    expect((await visit(`${url}/?token=${forged}`)).status).toBe(401)
    expect(await metric(url, 'nearcast_upgrades_refused_total{reason="token"}')).toBe('1')
    const none = await visit(url)
    none.say()
    await soon(() =>
      expect(none.heard).toMatchObject([
        { action: 'announce', info_hash: idOf('film'), 'failure reason': 'a token is needed' },
      ]),
    )
    expect(await none.closed).toBe(1008)
  })

  test('hold to their page, which a browser cannot lie about', async () => {
    const { url } = await start({ access })
    const token = await issue({ origins: ['https://good.example'] })
    const evil = await visit(`${url}/?token=${token}`, { origin: 'https://evil.example' })
    evil.say()
    await soon(() => expect(evil.heard[0]?.['failure reason']).toBe('the token is for another site'))
    const good = await visit(`${url}/?token=${token}`, { origin: 'https://good.example' })
    good.say()
    await soon(() => expect(good.heard[0]).toHaveProperty('interval'))
  })

  test('of a hundred sockets at once keep each socket’s own order', async () => {
    const { url } = await start({ access })
    const visits = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const visitor = await visit(url)
        visitor.say({ peer_id: idOf(`p${i}`), nearcast: { v: 1, token: await issue() } })
        visitor.say({ peer_id: idOf(`p${i}`), event: 'stopped' })
        return visitor
      }),
    )
    for (const { heard } of visits) {
      await soon(() => expect(heard.length).toBe(2))
      expect(heard.map(message => message['failure reason'] ?? message['interval'])).toEqual([
        expect.any(Number),
        450,
      ])
    }
  })
})

describe('our client', () => {
  function viewer(url: string, token: TokenSource) {
    const states: string[] = []
    const signaller = createTrackerClient({
      urls: [url],
      infoHash: film,
      peerId: 'ab'.repeat(20),
      clock: createTimerClock(),
      token,
    })
    cleanups.push(() => signaller.close())
    signaller.open({
      onNeighbours: () => {},
      onOffer: () => {},
      onAnswer: () => {},
      onCandidate: () => {},
      makeOffers: async () => [],
      onPolicy: () => {},
      onGroup: () => {},
      onIceServers: () => {},
      onState: (state, error) => states.push(`${state} ${error ?? ''}`.trim()),
    })
    return states
  }

  test('shows its token, and brings another when that is refused', async () => {
    const { url } = await start({ access: { tokens: 'required', keys: [secret] } })
    const stale = await issue({ key: 'another-secret-of-32-characters..' })
    const tokens = [stale, await issue()]
    expect(tokens).toHaveLength(2)
    const states = viewer(url, () => tokens.shift() ?? '')
    await soon(() => expect(states).toEqual(['connecting', 'open']))
    expect(tokens).toEqual([])
  })

  test('gives up with the tracker’s words when there is no other', async () => {
    const { url } = await start({ access: { tokens: 'required', keys: [secret] } })
    const states = viewer(url, await issue({ content: ['another film'] }))
    await soon(() => expect(states).toEqual(['connecting', 'refused the token is for other content']))
  })

  test('stays a member while its tokens expire one after the other', async () => {
    const { url, tracker } = await start({
      access: { tokens: 'required', keys: [secret], leewaySeconds: 0 },
      limits: { tokenGraceMs: 1_000 },
    })
    const states = viewer(url, () => issue({ ttlSeconds: 4 }))
    await soon(() => expect(tracker.stats().tokens.good).toBeGreaterThanOrEqual(4), 20_000)
    expect(states).toEqual(['connecting', 'open'])
    expect(tracker.stats()).toMatchObject({ peers: 1, refused: { token: 0 } })
  }, 30_000)

  test('is shut out when its token has expired and no other comes', async () => {
    const { url, tracker } = await start({
      access: { tokens: 'required', keys: [secret], leewaySeconds: 0 },
      limits: { tokenGraceMs: 500 },
    })
    const states = viewer(url, await issue({ ttlSeconds: 2 }))
    await soon(() => expect(states).toContain('open'))
    await soon(() => expect(tracker.stats().peers).toBe(0))
    await soon(() => expect(states.at(-1)).toContain('the token has expired'))
  })
})

describe('nearcast-tracker', () => {
  const children: ChildProcess[] = []
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const exited = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGKILL')
      await exited
    }
  })

  function run(...args: string[]) {
    const source = join(import.meta.dirname, '../../tracker/src/cli.ts')
    const child = spawn(process.execPath, ['--conditions=nearcast-source', source, ...args], {
      env: { ...process.env, NEARCAST_CWD: folder, NODE_OPTIONS: '' },
    })
    children.push(child)
    const said = {
      out: '',
      err: '',
      exit: new Promise<number | null>(resolve => child.once('close', resolve)),
    }
    child.stdout.on('data', data => {
      said.out += data
    })
    child.stderr.on('data', data => {
      said.err += data
    })
    return said
  }

  async function command(...args: string[]): Promise<string> {
    const said = run(...args)
    expect(await said.exit, said.err).toBe(0)
    return said.out.trim()
  }

  test('makes keys and tokens, takes both, and rotates keys while it runs', async () => {
    await command('keys', 'old')
    await command('keys', 'new')
    const make = (name: string) =>
      command('token', '--key', `${name}.private.pem`, '--content', film, '--ttl', '60', '--audience', 'here')
    const [old, fresh] = [await make('old'), await make('new')]
    copyFileSync(join(folder, 'old.public.pem'), join(folder, 'keys.pem'))
    const tracker = run(
      '--port',
      '0',
      '--host',
      '127.0.0.1',
      '--access-tokens',
      'required',
      '--access-keys',
      'keys.pem',
      '--access-audience',
      'here',
    )
    await soon(() => expect(tracker.out).toContain('\n'))
    const url = JSON.parse(tracker.out).announce as string
    expect((await visit(`${url}/?token=${old}`)).status).toBe(101)
    expect((await visit(`${url}/?token=${fresh}`)).status).toBe(401)
    const both = ['old', 'new'].map(name => readFileSync(join(folder, `${name}.public.pem`), 'utf8'))
    writeFileSync(join(folder, 'keys.pem'), both.join('\n'))
    await soon(() => expect(tracker.err).toContain('the token keys are replaced'))
    expect((await visit(`${url}/?token=${old}`)).status).toBe(101)
    expect((await visit(`${url}/?token=${fresh}`)).status).toBe(101)
    writeFileSync(join(folder, 'keys.pem'), 'rubbish')
    await soon(() => expect(tracker.err).toContain('The token keys stay as they were'))
    expect((await visit(`${url}/?token=${fresh}`)).status).toBe(101)
    expect(tracker.err).not.toContain(fresh)
  })

  test('says what is wrong: tokens without a key, a key that is none, a public key that should sign', async () => {
    const none = run('--access-tokens', 'required')
    expect([await none.exit, none.err]).toEqual([
      2,
      expect.stringContaining('set access.keys or access.secret'),
    ])
    writeFileSync(join(folder, 'short.txt'), 'short')
    const short = run('--access-tokens', 'required', '--access-keys', 'short.txt', '--port', '0')
    expect([await short.exit, short.err]).toEqual([1, expect.stringContaining('a secret needs 32')])
    await command('keys', 'third')
    const wrong = run('token', '--key', 'third.public.pem', '--content', '*')
    expect([await wrong.exit, wrong.err]).toEqual([1, expect.stringContaining('a public key cannot sign')])
    const make = (...words: string[]) => run('token', '--key', 'third.private.pem', ...words)
    for (const origin of ['www.example.com', 'https://www.example.com/page', 'https://*.example.com']) {
      const page = make('--content', '*', '--for-origin', origin)
      expect([await page.exit, page.err]).toEqual([1, expect.stringContaining(`"${origin}" is no origin`)])
    }
    const nameless = make('--content', '')
    expect([await nameless.exit, nameless.err]).toEqual([1, expect.stringContaining('without a name')])
  })
})
