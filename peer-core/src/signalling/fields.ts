import type { Mode } from '../core/messages.ts'
import { signallingLimits } from './limits.ts'

/** Readers of single fields out of foreign JSON. None throws; each says with its result whether the field fits. */

export type Fields = Readonly<Record<string, unknown>>

export function asFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

/** A whole number within `[least, most]`, or null. */
export function asWhole(value: unknown, least: number, most: number): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
    ? value
    : null
}

export function asText(value: unknown, mostChars: number = signallingLimits.textChars): string | null {
  return typeof value === 'string' && value.length <= mostChars ? value : null
}

export function asMode(value: unknown): Mode | null {
  return value === 'share' || value === 'leech' || value === 'off' ? value : null
}

/** The session description of `{ type, sdp }`, when it is of the wanted type and of a sane size. */
export function asSdp(value: unknown, type: 'offer' | 'answer'): string | null {
  const fields = asFields(value)
  if (fields === null || fields['type'] !== type) return null
  const sdp = asText(fields['sdp'], signallingLimits.sdpChars)
  return sdp === '' ? null : sdp
}

/** ICE candidates as JSON texts. The strings stay opaque here: whoever uses them parses them. */
export function asCandidates(value: unknown): readonly string[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > signallingLimits.candidates) return null
  const fits = value.every(item => typeof item === 'string' && item.length <= signallingLimits.candidateChars)
  return fits ? (value as string[]) : null
}

/** Parsed JSON, or undefined: foreign text is allowed to be anything. V8 parses deep nesting without recursion. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
