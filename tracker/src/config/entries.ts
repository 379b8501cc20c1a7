import type { Setting } from './setting.ts'
import type { SettingTable } from './settings.ts'

/** A setting with the names under which it goes. */
export interface Entry {
  /** In a configuration file, and in messages: `limits.offerMs`. */
  readonly key: string
  /** `limits-offer-ms`; of a secret, `…-file`. */
  readonly flag: string
  /** `NEARCAST_LIMITS_OFFER_MS`. */
  readonly variable: string
  readonly setting: Setting<unknown>
}

/** All settings of a table and its groups, in order. */
export function entriesOf(table: SettingTable): readonly Entry[] {
  return Object.entries(table).flatMap(([name, item]) =>
    isSetting(item)
      ? [entry(name, item)]
      : Object.entries(item).map(([inner, setting]) => entry(`${name}.${inner}`, setting)),
  )
}

function entry(key: string, setting: Setting<unknown>): Entry {
  const words = key.replaceAll('.', '-').replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  const flag = setting.flag ?? (setting.kind === 'secret' ? `${words}-file` : words)
  return { key, flag, variable: `NEARCAST_${words.replaceAll('-', '_').toUpperCase()}`, setting }
}

function isSetting(item: SettingTable[string]): item is Setting<unknown> {
  return typeof item['read'] === 'function'
}
