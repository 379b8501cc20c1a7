import { type TokenRefusal, tokenRefusals } from '../access/grant.ts'
import { type StripReason, stripReasons } from '../candidates/candidate-rules.ts'
import { type BagLevel, bagLevels } from './bag.ts'

/** Why something was not done. */
const refusals = [
  'malformed',
  'rate',
  'memberships',
  'stranger',
  'scrape',
  'unnamed',
  'unsolicited',
  'crowded',
  'absent',
  'forbidden',
  'token',
] as const

export type Refused = (typeof refusals)[number]

/** Totals since start. No address, no info_hash: safe to publish. */
export interface RegistryCounters {
  messages: number
  announces: number
  offers: Record<BagLevel, number>
  answers: number
  /** What became of each answer: relayed, or why not. `answers` counts the first kind. */
  answered: Record<'relayed' | Refused, number>
  /** What clients report of the connections they tried. */
  dials: Record<'ok' | 'failed', number>
  candidates: number
  named: Record<BagLevel, number>
  refused: Record<Refused, number>
  /** Join tokens looked at. */
  tokens: Record<TokenRefusal | 'good', number>
  /** Candidates taken out of what a client had us pass on. */
  stripped: Record<StripReason, number>
}

export function createCounters(): RegistryCounters {
  const zeros = <K extends string>(keys: readonly K[]) =>
    Object.fromEntries(keys.map(key => [key, 0])) as Record<K, number>
  return {
    messages: 0,
    announces: 0,
    offers: zeros(bagLevels),
    answers: 0,
    answered: zeros(['relayed', ...refusals]),
    dials: zeros(['ok', 'failed']),
    candidates: 0,
    named: zeros(bagLevels),
    refused: zeros(refusals),
    tokens: zeros(['good', ...tokenRefusals]),
    stripped: zeros(stripReasons),
  }
}
