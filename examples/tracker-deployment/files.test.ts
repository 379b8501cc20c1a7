import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../tracker/src/config/read-config.ts'
import type { TrackerConfig } from '../../tracker/src/config/settings.ts'

/** What the files beside this one promise, as far as a machine without systemd and Docker can hold them to it. */

const here = import.meta.dirname
const root = join(here, '../..')
const read = (file: string) => readFileSync(join(here, file), 'utf8')
const packageOf = (name: string) => JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8'))

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nearcast-files-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** What a tracker makes of such flags and variables. */
function configured(flags: Record<string, string>, environment: Record<string, string> = {}): TrackerConfig {
  const given = new Map(Object.entries(flags))
  const readFile = (path: string) => readFileSync(path, 'utf8')
  const result = readConfig({ flags: given, environment, folder, readFile })
  if (!result.ok) throw new Error(result.problems.join('\n'))
  return result.config
}

describe('the systemd unit', () => {
  const unit = read('nearcast-tracker@.service')
  const valuesOf = (key: string) =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(match => match[1]!)

  test('starts what the build writes, with settings and secrets that the tracker takes', async () => {
    const [node, script, ...words] = valuesOf('ExecStart')[0]!.split(' ')
    expect(node).toBe('/usr/bin/node')
    expect(script).toBe(posix.join('/opt/nearcast/tracker', packageOf('tracker').bin['nearcast-tracker']))
    expect(words).toEqual(['--config', '/etc/nearcast/tracker.yaml', '--port', '%i'])
    for (const credential of valuesOf('LoadCredential'))
      await writeFile(join(folder, credential.split(':')[0]!), 'at-least-sixteen-characters\n')
    const variables = valuesOf('Environment')[0]!.replaceAll('%d', folder).split(' ')
    const environment = Object.fromEntries(variables.map(pair => pair.split('=')))
    const config = configured({ config: join(here, 'tracker.yaml'), port: '8081' }, environment)
    expect(config).toMatchObject({
      port: 8081,
      trustedProxies: ['127.0.0.1'],
      sites: join(here, 'sites.csv'),
      secret: 'at-least-sixteen-characters',
      adminToken: 'at-least-sixteen-characters',
    })
  })

  test('gives a drain its time, and leaves what has a wrong setting alone', () => {
    const { drain } = configured({})
    expect(Number(valuesOf('TimeoutStopSec')[0]) * 1_000).toBeGreaterThanOrEqual(drain.totalMs + 10_000)
    expect(valuesOf('RestartPreventExitStatus')).toEqual(['2'])
  })

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0
  if (!hasSystemd) console.warn('SKIPPED: systemd-analyze, which looks through the unit, is not installed.')

  test.skipIf(!hasSystemd)('is what systemd understands, and gives the process little to harm', async () => {
    // The only thing that must be there is what it starts.
    const file = join(folder, 'nearcast-tracker@8081.service')
    await writeFile(file, unit.replace('/usr/bin/node ', `${process.execPath} `))
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([0, ''])
    // Of 10; 9.6 is what a unit without any such line gets.
    const looked = spawnSync('systemd-analyze', ['security', '--offline=yes', '--threshold=20', file])
    expect(looked.status).toBe(0)
  })
})

describe('tracker.yaml', () => {
  test('has no line that is no setting, those commented out among them', async () => {
    const all = read('tracker.yaml').replaceAll(/^#(?! )/gm, '')
    await writeFile(join(folder, 'all.yaml'), all)
    const secret = { NEARCAST_SECRET: 'at-least-sixteen-characters' }
    const config = configured({ config: join(folder, 'all.yaml') }, secret)
    expect(config.cluster.redis).toBe('redis://10.0.0.5:6379')
    expect(config.stunUrls).toHaveLength(2)
  })
})

describe('the Dockerfile', () => {
  const instructions = read('Dockerfile')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(/ (.*)/).slice(0, 2) as [word: string, rest: string])
  const stage = instructions.slice(instructions.findLastIndex(([word]) => word === 'FROM'))
  const only = (word: string) => stage.filter(([name]) => name === word).map(([, rest]) => rest)

  test('ends in a stage that runs Node as nobody in particular, and drains', () => {
    for (const [word, rest] of instructions) if (word === 'FROM') expect(rest).toMatch(/^node:24-\w+-slim/)
    expect(only('USER')).toEqual(['node'])
    expect(only('STOPSIGNAL')).toEqual(['SIGTERM'])
    expect(only('EXPOSE')).toEqual([`${configured({}).port}/tcp ${configured({}).port}/udp`])
    const [, script] = JSON.parse(only('ENTRYPOINT')[0]!) as string[]
    expect(script).toBe(posix.join('tracker', packageOf('tracker').bin['nearcast-tracker']))
  })

  test('copies all of our packages that the tracker depends on, as the build leaves them', () => {
    const copied = only('COPY').map(rest => rest.replace('--from=build /nearcast/', '').split(' '))
    expect(copied[0]).toEqual(['node_modules', 'node_modules'])
    const ours = Object.keys(packageOf('tracker').dependencies).filter(name => name.startsWith('@nearcast/'))
    for (const name of ['tracker', ...ours.map(name => name.replace('@nearcast/', ''))]) {
      expect(copied).toContainEqual([`${name}/package.json`, `${name}/`])
      expect(copied).toContainEqual([`${name}/dist`, `${name}/dist`])
      expect(existsSync(join(root, name, 'src'))).toBe(true)
    }
  })

  test('asks for scripts and workspaces that exist', () => {
    const runs = instructions.filter(([word]) => word === 'RUN').map(([, rest]) => rest)
    for (const run of runs) expect(run).toMatch(/^npm (ci|run build)\b/)
    expect(packageOf('.').scripts.build).toBeDefined()
    for (const run of runs) {
      const workspace = /--workspace (\S+)/.exec(run)?.[1]
      if (workspace) expect(workspace).toBe(packageOf('tracker').name)
    }
    expect(packageOf('.').workspaces).toContain('tracker')
  })

  test('has a health check that tells a living tracker from a dead one', async () => {
    const [, check] = only('HEALTHCHECK')[0]!.split('CMD ')
    const [, ...words] = JSON.parse(check!) as string[]
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/healthz' ? 200 : 404
      response.end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const ask = () => {
      const child = spawn(process.execPath, words, { env: { NEARCAST_PORT: `${port}` }, stdio: 'ignore' })
      return new Promise(resolve => child.once('exit', resolve))
    }
    expect(await ask()).toBe(0)
    await new Promise(resolve => server.close(resolve))
    expect(await ask()).toBe(1)
  })
})
