import { entriesOf } from './entries.ts'
import type { Effective } from './read-config.ts'
import { settings } from './settings.ts'

/** One JSON object for machines: what applies and where it came from. Secrets are masked. */
export function configAsJson(effective: readonly Effective[]): string {
  return JSON.stringify(
    Object.fromEntries(effective.map(item => [item.key, { value: speakable(shown(item)), from: item.from }])),
  )
}

/** The same as lines for people. */
export function configAsText(effective: readonly Effective[]): string {
  const width = Math.max(...effective.map(({ key }) => key.length))
  return effective
    .map(item => `${item.key.padEnd(width)}  ${JSON.stringify(speakable(shown(item)))}  (${item.from})`)
    .join('\n')
}

/** docs/tracker-settings.md. */
export function settingsAsMarkdown(): string {
  const rows = entriesOf(settings).map(({ key, flag, variable, setting }) => {
    const isOn = setting.kind === 'switch' && setting.default === true
    const name = setting.kind === 'secret' ? `${key}\`, \`${key}File` : key
    const also = setting.kind === 'secret' ? `${variable}\`, \`${variable}_FILE` : variable
    const unit = /^(ms|bytes)$/.test(setting.unit) && setting.default !== null ? ` ${setting.unit}` : ''
    const fallback =
      setting.default === null || Array.isArray(setting.default) ? '' : `${setting.default}${unit}`
    return `| \`${name}\` | \`--${isOn ? 'no-' : ''}${flag}\` | \`${also}\` | ${fallback} | ${setting.about} |`
  })
  return [
    '# Settings of the tracker',
    '',
    'Written by a test from `tracker/src/config/settings.ts`; [operating.md](operating.md) explains how they are given.',
    '',
    '| key in the file | flag | variable | default | what it does |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

function shown({ value, isSecret, mask }: Effective): unknown {
  if (mask !== null && typeof value === 'string') return mask(value)
  return isSecret && value !== null ? '(secret)' : value
}

/** JSON has no Infinity. */
function speakable(value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? 'Infinity' : value
}
