import { type CoreConfig, defaultConfig } from '../../peer-core/src/core/config.ts'
import { parseNumber } from './variation.ts'

/** Names of the scheduler's constants, as `--config` and the sweeps take them. */
export type Constant = keyof CoreConfig

export const constants: readonly Constant[] = Object.keys(defaultConfig) as Constant[]

/** `candidateAgeMs=0,silentMs=Infinity`; throws an Error that says what is wrong and what is known. */
export function parseCoreConfig(text: string): Partial<CoreConfig> {
  const config: { -readonly [Name in Constant]?: number } = {}
  for (const part of text.split(',').filter(item => item !== '')) {
    const [name = '', value = ''] = part.split('=')
    if (!isConstant(name)) throw new Error(`"${name}" is no constant. Known: ${constants.join(', ')}`)
    config[name] = parseNumber(value, 0)
  }
  return config
}

/** What `--config` was given, for a command that shows the same again. */
export function formatCoreConfig(config: Partial<CoreConfig>): string {
  return Object.entries(config)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
}

export function isConstant(name: string): name is Constant {
  return Object.hasOwn(defaultConfig, name)
}
