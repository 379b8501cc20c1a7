import type { PeerId } from '../core/messages.ts'

/** Client `NC`, version 0.1.0, in the customary form of BEP 20. */
const prefix = '-NC0100-'

/** A fresh 20-byte peer id as 40 hex digits: it names this session, not the viewer. */
export function createPeerId(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = systemRandom): PeerId {
  const id = random(new Uint8Array(20))
  for (let i = 0; i < prefix.length; i++) id[i] = prefix.charCodeAt(i)
  return Array.from(id, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** Unlike `randomUUID`, `getRandomValues` is there on plain-http origins too. */
function systemRandom(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  return crypto.getRandomValues(bytes)
}
