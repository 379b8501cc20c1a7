import { type Command, Option } from 'commander'
import { type Entry, entriesOf } from './entries.ts'
import type { FlagValue } from './read-config.ts'
import { settings } from './settings.ts'

/** Gives a command one flag for each setting. Values stay as typed: `readConfig` judges them with all others. */
export function addFlags(command: Command): void {
  command.option('--config <file>', 'settings as YAML or JSON; flags and variables go before it')
  for (const entry of entriesOf(settings)) command.addOption(optionOf(entry))
}

/** What was typed of them. */
export function typedFlags(command: Command): ReadonlyMap<string, FlagValue> {
  const root = command.parent ?? command
  const typed = new Map<string, FlagValue>()
  for (const option of root.options) {
    const name = option.attributeName()
    if (root.getOptionValueSource(name) === 'cli')
      typed.set(option.long?.replace(/^--(no-)?/, '') ?? name, root.getOptionValue(name) as FlagValue)
  }
  return typed
}

function optionOf({ key, flag, variable, setting }: Entry): Option {
  const option = new Option(spelling(flag, setting), `${setting.about}${shownDefault(setting)} [${variable}]`)
  const [group, name] = key.split('.')
  option.helpGroup(name === undefined ? 'Options:' : `Options of ${group}:`)
  if (setting.kind === 'list')
    option.argParser((value: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), value])
  return option
}

function spelling(flag: string, { kind, unit, default: fallback }: Entry['setting']): string {
  if (kind === 'switch') return fallback === true ? `--no-${flag}` : `--${flag}`
  return `--${flag} <${unit}>`
}

function shownDefault({ kind, default: fallback }: Entry['setting']): string {
  const isShown = kind === 'value' && fallback !== null
  return isShown ? ` Default: ${fallback}.` : ''
}
