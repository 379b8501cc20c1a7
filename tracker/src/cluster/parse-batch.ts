import {
  asCandidates,
  asFields,
  asMode,
  asText,
  asWhole,
  type Fields,
  isBinaryId,
  parseJson,
  signallingLimits,
} from '@nearcast/peer-core/signalling'
import { parsePolicies } from '../policy/read-policies.ts'
import type { NodeId, NodeMessage, NodeSignal, Traits } from './node-message.ts'

/** What one publish carried. */
export interface Batch {
  readonly from: NodeId
  readonly messages: readonly NodeMessage[]
  /** Entries that were none of ours, or of a later version of us. */
  readonly malformed: number
}

export const batchLimits = {
  /** Characters of a publish. Larger ones are refused before they are looked at. */
  chars: 1 << 20,
  /** Of a node's id. */
  nodeChars: 128,
  /** Peers one ask may bring. */
  found: signallingLimits.neighbours,
} as const

/** Reads what came over the bus, which is open to whoever reaches the Redis. Never throws; null: no batch of ours. */
export function parseBatch(text: string): Batch | null {
  if (text.length > batchLimits.chars) return null
  const fields = asFields(parseJson(text))
  if (fields === null || fields['v'] !== 1) return null
  const from = asNodeId(fields['from'])
  const list = fields['messages']
  if (from === null || !Array.isArray(list)) return null
  const messages: NodeMessage[] = []
  for (const item of list) {
    const message = parseNodeMessage(item)
    if (message !== null) messages.push(message)
  }
  return { from, messages, malformed: list.length - messages.length }
}

export function parseNodeMessage(value: unknown): NodeMessage | null {
  const fields = asFields(value)
  if (fields === null) return null
  switch (fields['type']) {
    case 'ask':
      return parseAsk(fields)
    case 'reply':
      return parseReply(fields)
    case 'signal':
      return parseSignal(fields)
    case 'count': {
      const row = asText(fields['row'], 128)
      const number = asText(fields['value'], 32)
      if (row === null || (number === null && fields['value'] !== null)) return null
      return { type: 'count', row, value: number }
    }
    case 'claim': {
      const { infoHash, peerId, proven } = fields
      const address = asText(fields['address'], 32)
      if (!isBinaryId(infoHash) || !isBinaryId(peerId) || address === null || typeof proven !== 'boolean')
        return null
      return { type: 'claim', infoHash, peerId, address, proven }
    }
    case 'held': {
      const { infoHash, peerId } = fields
      return isBinaryId(infoHash) && isBinaryId(peerId) ? { type: 'held', infoHash, peerId } : null
    }
    case 'rules': {
      const version = asWhole(fields['version'], 0, Number.MAX_SAFE_INTEGER)
      const by = asNodeId(fields['by'])
      const read = parsePolicies({ rules: fields['rules'] })
      return version === null || by === null || !read.ok
        ? null
        : { type: 'rules', version, by, rules: read.rules }
    }
    case 'hello': {
      const mark = asText(fields['mark'], 32)
      return mark === null ? null : { type: 'hello', mark }
    }
    case 'bye':
      return { type: 'bye' }
    default:
      return null
  }
}

function parseAsk(fields: Fields): NodeMessage | null {
  const { infoHash, fetchers } = fields
  const id = asWhole(fields['id'], 0, Number.MAX_SAFE_INTEGER)
  const origin = asTraits(fields['origin'])
  const want = asWhole(fields['want'], 0, batchLimits.found)
  const group = asText(fields['group'], 128)
  const offers = listOf(fields['offers'], signallingLimits.offers, asOffer)
  if (id === null || !isBinaryId(infoHash) || origin === null || want === null || offers === null) return null
  if ((group === null && fields['group'] !== null) || typeof fetchers !== 'boolean') return null
  return { type: 'ask', id, infoHash, origin, want, group, fetchers, offers }
}

function parseReply(fields: Fields): NodeMessage | null {
  const { infoHash, to } = fields
  const id = asWhole(fields['id'], 0, Number.MAX_SAFE_INTEGER)
  const found = listOf(fields['found'], batchLimits.found, asFound)
  if (id === null || !isBinaryId(infoHash) || !isBinaryId(to) || found === null) return null
  return { type: 'reply', id, infoHash, to, found }
}

function parseSignal(fields: Fields): NodeMessage | null {
  const { infoHash, from, to, offerId } = fields
  const signal = asSignal(asFields(fields['signal']))
  if (!isBinaryId(infoHash) || !isBinaryId(from) || !isBinaryId(to) || !isBinaryId(offerId)) return null
  return signal && { type: 'signal', infoHash, from, to, offerId, signal }
}

function asSignal(fields: Fields | null): NodeSignal['signal'] | null {
  switch (fields?.['type']) {
    case 'offer':
    case 'answer': {
      const sdpJson = asDescription(fields['sdp'])
      return sdpJson === null ? null : { type: fields['type'], sdpJson }
    }
    case 'candidates': {
      const candidates = asCandidates(fields['candidates'])
      return candidates && { type: 'candidates', candidates }
    }
    default:
      return null
  }
}

function asOffer(value: unknown) {
  const fields = asFields(value)
  const offerId = fields?.['offerId']
  const sdpJson = asDescription(fields?.['sdp'])
  return isBinaryId(offerId) && sdpJson !== null ? { offerId, sdpJson } : null
}

function asFound(value: unknown) {
  const fields = asFields(value)
  const traits = asTraits(fields?.['traits'])
  const offerId = fields?.['offerId'] ?? null
  if (traits === null || (offerId !== null && !isBinaryId(offerId))) return null
  return { traits, offerId }
}

function asTraits(value: unknown): Traits | null {
  const fields = asFields(value)
  if (fields === null) return null
  const { peerId, wan, speaks } = fields
  const mode = asMode(fields['mode'])
  const near = fields['near']
  if (!isBinaryId(peerId) || mode === null || !Array.isArray(near) || near.length !== 6) return null
  if (!near.every(key => key === null || (typeof key === 'string' && key.length <= 32))) return null
  if (wan !== 'allow' && wan !== 'deny') return null
  if (speaks !== 'standard' && speaks !== 'extras' && speaks !== 'directed') return null
  return { peerId, near: near as (string | null)[], mode, wan, speaks }
}

/** A description as the JSON string it is passed on as. */
function asDescription(value: unknown): string | null {
  const sdp = asText(value, signallingLimits.sdpChars)
  return sdp === null || sdp === '' ? null : JSON.stringify(sdp)
}

function asNodeId(value: unknown): NodeId | null {
  return typeof value === 'string' && value.length <= batchLimits.nodeChars && /^[\w.~-]+$/.test(value)
    ? value
    : null
}

/** All of them or nothing. */
function listOf<Item>(value: unknown, most: number, read: (item: unknown) => Item | null): Item[] | null {
  if (!Array.isArray(value) || value.length > most) return null
  const items: Item[] = []
  for (const entry of value) {
    const item = read(entry)
    if (item === null) return null
    items.push(item)
  }
  return items
}
