import type { SubjectName } from './pages/viewer.ts'

/** What a run compares, by the name of its page side (`pages/`). */
export const adapters: Readonly<Record<SubjectName, string>> = {
  nearcast: 'hls.js with Nearcast, built from these sources, as a site owner adds it',
  hlsjs: 'hls.js alone',
  pml: 'p2p-media-loader-hlsjs 2.3.1 with its defaults',
  'pml-tuned': "the same, tuned to the player's own latency",
}

/** @throws when a name is unknown, with the known ones */
export function pickAdapters(names: string): readonly SubjectName[] {
  return names.split(',').map(name => {
    if (Object.hasOwn(adapters, name)) return name as SubjectName
    throw new Error(`there is no adapter ${name}; there are ${Object.keys(adapters).join(', ')}`)
  })
}
