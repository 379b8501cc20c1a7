import { describe, expect, test } from 'vitest'
import { type ConfigSources, type ReadConfig, readConfig } from './read-config.ts'

const files: Record<string, string> = {
  '/etc/nearcast/tracker.yaml': `# the head office
port: 9000
sites: sites.csv
limits:
  offerMs: 30000
  connectionsPerAddress: Infinity
trustedProxies: [10.0.0.0/8]
secretFile: key
`,
  '/etc/nearcast/key': 'sixteen characters and more\n',
  '/etc/nearcast/tracker.json': '{"port": 9001, "stun": false, "limits": {"farLinks": 2}}',
}

function read(sources: Partial<Omit<ConfigSources, 'flags'>> & { flags?: object } = {}): ReadConfig {
  const { flags = {}, ...rest } = sources
  return readConfig({
    environment: {},
    folder: '/home/me',
    readFile: path => {
      const found = files[path]
      if (found === undefined) throw new Error(`no such file: ${path}`)
      return found
    },
    flags: new Map(Object.entries(flags)),
    ...rest,
  })
}

const good = (result: ReadConfig) => (result.ok ? result : expect.unreachable(result.problems.join('\n')))
const problemsOf = (result: ReadConfig) => (result.ok ? [] : result.problems)
const originOf = (result: ReadConfig, key: string) =>
  good(result).effective.find(item => item.key === key)?.from

describe('the configuration', () => {
  test('is the defaults when nothing is said', () => {
    const { config, effective } = good(read())
    expect(config).toMatchObject({ port: 8080, stun: true, sites: null, limits: { meshSize: 30 } })
    expect(new Set(effective.map(({ from }) => from))).toEqual(new Set(['default']))
  })

  test('takes flags before variables, variables before the file, the file before defaults', () => {
    const environment = { NEARCAST_PORT: '9100', NEARCAST_CONFIG: '/etc/nearcast/tracker.yaml' }
    const all = read({ flags: { port: '9200' }, environment })
    expect([good(all).config.port, originOf(all, 'port')]).toEqual([9200, '--port'])
    const two = read({ environment })
    expect([good(two).config.port, originOf(two, 'port')]).toEqual([9100, 'NEARCAST_PORT'])
    const one = read({ flags: { config: '/etc/nearcast/tracker.yaml' } })
    expect([good(one).config.port, originOf(one, 'port')]).toEqual([
      9000,
      '/etc/nearcast/tracker.yaml line 2',
    ])
    expect(originOf(one, 'limits.offerMs')).toBe('/etc/nearcast/tracker.yaml line 5')
    expect(good(one).config.limits).toMatchObject({ offerMs: 30_000, connectionsPerAddress: Infinity })
  })

  test('reads JSON too, and an empty file', () => {
    const { config } = good(read({ flags: { config: '/etc/nearcast/tracker.json' } }))
    expect(config).toMatchObject({ port: 9001, stun: false, limits: { farLinks: 2, meshSize: 30 } })
    expect(good(read({ flags: { config: 'empty' }, readFile: () => '# nothing yet\n' })).config.port).toBe(
      8080,
    )
  })

  test('finds the files a file names beside it, and those of flags and variables where the person is', () => {
    const { config } = good(read({ flags: { config: '/etc/nearcast/tracker.yaml' } }))
    expect([config.sites, config.secret]).toEqual(['/etc/nearcast/sites.csv', 'sixteen characters and more'])
    expect(good(read({ flags: { sites: 'mine.csv' } })).config.sites).toBe('/home/me/mine.csv')
  })

  test('a variable with commas is a list; switches take true, false, 1, 0', () => {
    const { config } = good(
      read({ environment: { NEARCAST_TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.7', NEARCAST_STUN: '0' } }),
    )
    expect(config).toMatchObject({ trustedProxies: ['10.0.0.0/8', '192.0.2.7'], stun: false })
  })

  test('names every problem at once: the setting, the place, what was given and what would be right', () => {
    const problems = problemsOf(
      read({
        flags: { port: 'eighty', 'trust-proxy': ['10.0.0.1/8'], config: 'wrong.yaml' },
        environment: { NEARCAST_BACKLOG_BYTES: '12', NEARCAST_LIMIT_OFFER_MS: '1' },
        readFile: () => 'limits:\n  offerMs: soon\n  farLink: 3\nstun: maybe\nport: 9000\ncolour: red\n',
      }),
    )
    expect(problems).toEqual([
      'limits.farLink (wrong.yaml line 3) is no setting: did you mean limits.farLinks?',
      'colour (wrong.yaml line 6) is no setting: --help lists what there is',
      'NEARCAST_LIMIT_OFFER_MS (environment) is no setting: did you mean NEARCAST_LIMITS_OFFER_MS?',
      'port (--port) is "eighty": give a whole number, 0 to 65535',
      expect.stringMatching(/^trustedProxies \(--trust-proxy\) .*write 10\.0\.0\.0\/8/),
      'stun (wrong.yaml line 4) is "maybe": give true or false',
      'backlogBytes (NEARCAST_BACKLOG_BYTES) is "12": give a whole number of bytes, 65536 to 67108864',
      'limits.offerMs (wrong.yaml line 2) is "soon": give a whole number of ms, 1000 to 600000',
    ])
  })

  test.each([
    ['limits.offer_ms', 'limits:\n  offer_ms: 1\n', 'did you mean limits.offerMs?'],
    ['a group where it does not belong', 'offerMs: 1\n', 'did you mean limits.offerMs?'],
    ['a list of keys', '- port\n', 'give keys and values'],
    ['broken YAML', 'port: [1\n', 'line'],
    ['a key twice', 'port: 1\nport: 2\n', 'unique'],
    ['values that belong together', 'limits:\n  meshSize: 60\n', 'limits.partners (default) must exceed'],
    ['a group that is no group', 'limits: 7\n', 'limits (bad.yaml line 1) is no setting'],
    ['a setting that is no group', 'port:\n  number: 1\n', 'port.number (bad.yaml line 2) is no setting'],
  ])('%s is refused', (_, text, words) => {
    const problems = problemsOf(read({ flags: { config: 'bad.yaml' }, readFile: () => text }))
    expect(problems.join('\n')).toContain(words)
  })

  test('what Kubernetes adds for a service called nearcast is no mistake of the operator', () => {
    good(
      read({
        environment: { NEARCAST_SERVICE_HOST: '10.0.0.1', NEARCAST_PORT_8080_TCP_ADDR: '10.0.0.1' },
      }),
    )
  })

  test('a secret is never repeated, not even when it is wrong', () => {
    const problems = problemsOf(read({ environment: { NEARCAST_SECRET: 'hunter2' } }))
    expect(problems).toEqual([expect.stringContaining('secret (NEARCAST_SECRET) is not good')])
    expect(problems[0]).not.toContain('hunter2')
    expect(problemsOf(read({ environment: { NEARCAST_SECRET_FILE: '/run/none' } }))).toEqual([
      'secret (NEARCAST_SECRET_FILE): no such file: /run/none',
    ])
  })
})
