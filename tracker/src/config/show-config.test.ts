import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { entriesOf } from './entries.ts'
import { addFlags } from './flags.ts'
import { readConfig } from './read-config.ts'
import { settings } from './settings.ts'
import { configAsJson, configAsText, settingsAsMarkdown } from './show-config.ts'

const entries = entriesOf(settings)

describe('what is said about the settings', () => {
  test('the documentation lists every one', async () => {
    // Written anew by: npm test -- tracker/src/config -u
    await expect(settingsAsMarkdown()).toMatchFileSnapshot('../../../docs/tracker-settings.md')
  })

  test('--help has every flag once, with its variable', () => {
    const command = new Command('nearcast-tracker')
    addFlags(command)
    const help = command.helpInformation()
    for (const { flag, variable } of entries) {
      expect(help.match(new RegExp(`--(no-)?${flag}[ \\n]`, 'g')), flag).toHaveLength(1)
      expect(help, variable).toContain(`[${variable}]`)
    }
  })

  test('no two settings share a name', () => {
    for (const name of ['key', 'flag', 'variable'] as const)
      expect(new Set(entries.map(entry => entry[name])).size).toBe(entries.length)
  })

  test('every default is a value that the setting itself would take', () => {
    for (const { key, setting } of entries)
      if (setting.default !== null) expect(setting.read(setting.default), key).toMatchObject({ ok: true })
  })

  test('shows what applies and from where, and no secret', () => {
    const read = readConfig({
      flags: new Map([['port', '1']]),
      environment: { NEARCAST_SECRET: 'a very long secret', NEARCAST_LIMITS_MESSAGE_BURST: 'Infinity' },
      folder: '/',
      readFile: () => '',
    })
    if (!read.ok) return expect.unreachable()
    const json = configAsJson(read.effective)
    expect(JSON.parse(json)).toMatchObject({
      port: { value: 1, from: '--port' },
      secret: { value: '(secret)', from: 'NEARCAST_SECRET' },
      host: { value: null, from: 'default' },
      'limits.messageBurst': { value: 'Infinity', from: 'NEARCAST_LIMITS_MESSAGE_BURST' },
    })
    const text = configAsText(read.effective)
    expect(text).toMatch(/^port +1 {2}\(--port\)$/m)
    expect(json + text).not.toContain('very long')
  })

  test('shows where Redis is, and not how to get in, also when the URL is wrong', () => {
    const given = (redis: string) =>
      readConfig({
        flags: new Map([['redis', redis]]),
        environment: { NEARCAST_SECRET: 'a very long secret' },
        folder: '/',
        readFile: () => '',
      })
    const read = given('rediss://tracker:pass@word@redis.example.org:6380/2')
    if (!read.ok) return expect.unreachable()
    expect(JSON.parse(configAsJson(read.effective))['cluster.redis']).toEqual({
      value: 'rediss://(secret)@redis.example.org:6380/2',
      from: '--redis',
    })
    expect(configAsText(read.effective)).not.toContain('pass')
    const wrong = given('http://tracker:hunter2@redis.example.org')
    expect(wrong).toEqual({
      ok: false,
      problems: [expect.stringContaining('http://(secret)@redis.example.org')],
    })
    expect(JSON.stringify(wrong)).not.toContain('hunter2')
  })

  test('a cluster without a secret is refused', () => {
    const read = readConfig({
      flags: new Map([['redis', 'redis://127.0.0.1:6379']]),
      environment: {},
      folder: '/',
      readFile: () => '',
    })
    expect(read).toEqual({ ok: false, problems: [expect.stringContaining('cluster.redis')] })
    expect(JSON.stringify(read)).toContain('secret that all machines of the cluster share')
  })
})
