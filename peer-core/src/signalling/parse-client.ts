import { type BinaryId, isBinaryId } from './binary.ts'
import type {
  AnnounceEvent,
  ClientExtras,
  ClientMessage,
  SpeculativeOffer,
  WireOutcome,
} from './client-message.ts'
import { descriptionTexts } from './description-text.ts'
import { asCandidates, asFields, asMode, asSdp, asText, asWhole, type Fields, parseJson } from './fields.ts'
import { signallingLimits } from './limits.ts'
import { asReport } from './report.ts'

/**
 * Why a message was refused. `infoHash` is what the refusal must carry: the reference client crashes on a failure
 * without it, so null means that the socket can only be closed.
 */
export interface Refusal {
  readonly action: 'announce' | 'scrape'
  readonly infoHash: BinaryId | null
  readonly reason: string
  /** A fresh join token might help. */
  readonly wantsToken?: boolean
}

export type ParsedClientMessage =
  | { readonly ok: true; readonly message: ClientMessage }
  | { readonly ok: false; readonly refusal: Refusal }

/** Reads one text frame of a client. Never throws. */
export function parseClientText(text: string): ParsedClientMessage {
  const value = parseJson(text)
  if (value === undefined) return refuse('announce', null, 'not JSON')
  const parsed = parseClientMessage(value)
  return parsed.ok ? { ok: true, message: withTexts(parsed.message, text) } : parsed
}

/** Reads one decoded message of a client. Never throws. */
export function parseClientMessage(value: unknown): ParsedClientMessage {
  const fields = asFields(value)
  if (fields === null) return refuse('announce', null, 'not an object')
  switch (fields['action']) {
    case 'announce':
      return parseAnnounce(fields)
    case 'scrape':
      return parseScrape(fields)
    default:
      return refuse(
        'announce',
        isBinaryId(fields['info_hash']) ? fields['info_hash'] : null,
        'unknown action',
      )
  }
}

/** The message with its descriptions also as they came; see `description-text.ts`. */
function withTexts(message: ClientMessage, text: string): ClientMessage {
  switch (message.type) {
    case 'announce': {
      if (message.offers.length === 0) return message
      const texts = descriptionTexts(text, 'announce')
      if (texts?.length !== message.offers.length) return message
      const offers = message.offers.map(({ offerId, sdp }, i) => ({
        offerId,
        sdp,
        sdpJson: texts[i] as string,
      }))
      return { ...message, offers }
    }
    case 'offer':
    case 'answer': {
      const [sdpJson] = descriptionTexts(text, message.type) ?? []
      return sdpJson === undefined ? message : { ...message, sdpJson }
    }
    case 'candidates':
    case 'report':
    case 'scrape':
      return message
  }
}

function parseAnnounce(fields: Fields): ParsedClientMessage {
  const infoHash = fields['info_hash']
  const peerId = fields['peer_id']
  if (!isBinaryId(infoHash)) return refuse('announce', null, 'info_hash is not 20 characters of a byte each')
  if (!isBinaryId(peerId)) return refuse('announce', infoHash, 'peer_id is not 20 characters of a byte each')
  const to = fields['to_peer_id']
  if (to !== undefined || fields['answer'] !== undefined) return parseSignal(fields, infoHash, peerId, to)

  const report = asFields(fields['nearcast'])?.['report']
  if (report !== undefined) {
    return { ok: true, message: { type: 'report', infoHash, peerId, report: asReport(report) } }
  }
  const event = asEvent(fields['event'])
  if (event === null) return refuse('announce', infoHash, 'unknown event')
  const offers = asOffers(fields['offers'])
  if (typeof offers === 'string') return refuse('announce', infoHash, offers)
  const left = fields['left']
  return {
    ok: true,
    message: {
      type: 'announce',
      infoHash,
      peerId,
      event,
      numwant: asWhole(fields['numwant'], 0, Number.MAX_SAFE_INTEGER),
      offers,
      complete: left === undefined || left === null || left === 0,
      trackerId: asText(fields['trackerid']) ?? '',
      extras: asExtras(fields['nearcast']),
    },
  }
}

/** Whatever is addressed to one peer: an answer, a directed offer, or ICE candidates. */
function parseSignal(fields: Fields, infoHash: BinaryId, peerId: BinaryId, to: unknown): ParsedClientMessage {
  if (!isBinaryId(to)) return refuse('announce', infoHash, 'to_peer_id is not 20 characters of a byte each')
  const offerId = fields['offer_id']
  if (!isBinaryId(offerId))
    return refuse('announce', infoHash, 'offer_id is not 20 characters of a byte each')
  const head = { infoHash, peerId, to, offerId }
  if (fields['answer'] !== undefined) {
    const sdp = asSdp(fields['answer'], 'answer')
    if (sdp === null) return refuse('announce', infoHash, 'answer is not a session description')
    return { ok: true, message: { type: 'answer', ...head, sdp } }
  }
  if (fields['offer'] !== undefined) {
    const sdp = asSdp(fields['offer'], 'offer')
    if (sdp === null) return refuse('announce', infoHash, 'offer is not a session description')
    return { ok: true, message: { type: 'offer', ...head, sdp } }
  }
  const candidates = asCandidates(asFields(fields['nearcast'])?.['candidates'])
  if (candidates === null) return refuse('announce', infoHash, 'neither answer, offer nor candidates')
  return { ok: true, message: { type: 'candidates', ...head, candidates } }
}

function parseScrape(fields: Fields): ParsedClientMessage {
  const asked = fields['info_hash']
  if (asked === undefined) return { ok: true, message: { type: 'scrape', infoHashes: null } }
  const list = Array.isArray(asked) ? asked : [asked]
  if (list.length === 0 || list.length > signallingLimits.scrapes) {
    return refuse('scrape', null, `a scrape names 1 to ${signallingLimits.scrapes} info hashes`)
  }
  if (!list.every(isBinaryId)) return refuse('scrape', null, 'info_hash is not 20 characters of a byte each')
  return { ok: true, message: { type: 'scrape', infoHashes: list } }
}

function asEvent(value: unknown): AnnounceEvent | null {
  switch (value) {
    case 'started':
    case 'stopped':
    case 'completed':
      return value
    // Clients spell "nothing happened" in several ways.
    case undefined:
    case null:
    case '':
    case 'update':
    case 'empty':
    case 'paused':
      return 'update'
    default:
      return null
  }
}

/** The offers, or why they are none. */
function asOffers(value: unknown): readonly SpeculativeOffer[] | string {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return 'offers is not an array'
  if (value.length > signallingLimits.offers) return `more than ${signallingLimits.offers} offers`
  const offers: SpeculativeOffer[] = []
  for (const item of value) {
    const fields = asFields(item)
    const offerId = fields?.['offer_id']
    const sdp = asSdp(fields?.['offer'], 'offer')
    if (!isBinaryId(offerId)) return 'offer_id is not 20 characters of a byte each'
    if (sdp === null) return 'offer is not a session description'
    offers.push({ offerId, sdp })
  }
  return offers
}

/** Odd values inside our own fields fall back to harmless ones: an older or newer client keeps working. */
function asExtras(value: unknown): ClientExtras | null {
  const fields = asFields(value)
  if (fields === null) return null
  const neighbours = asFields(fields['neighbours'])
  const caps = fields['caps']
  const token = asText(fields['token'], signallingLimits.tokenChars)
  return {
    mode: asMode(fields['mode']) ?? 'share',
    have: asWhole(neighbours?.['have'], 0, 10_000) ?? 0,
    want: asWhole(neighbours?.['want'], 0, 10_000) ?? 0,
    outcomes: asOutcomes(fields['outcomes']),
    childLinks: asWhole(fields['childLinks'], 0, 1_000),
    ...(token !== null && { token }),
    lan: asLan(asFields(fields['network'])?.['lan']),
    directed: Array.isArray(caps) && caps.includes('directed'),
  }
}

/** 0 to 1023 in base 36, as `lanKey` writes it. */
function asLan(value: unknown): string | null {
  return typeof value === 'string' && /^[0-9a-z]{1,2}$/.test(value) ? value : null
}

function asOutcomes(value: unknown): readonly WireOutcome[] {
  if (!Array.isArray(value)) return []
  const outcomes: WireOutcome[] = []
  for (const item of value.slice(0, signallingLimits.outcomes)) {
    const fields = asFields(item)
    const peer = fields?.['peer']
    const ok = fields?.['ok']
    if (!isBinaryId(peer) || typeof ok !== 'boolean') continue
    const pair = asText(fields?.['pair'], 32) ?? ''
    outcomes.push({
      peer,
      ok,
      ms: asWhole(fields?.['ms'], 0, 600_000) ?? 0,
      pair: /^[a-z-]*$/.test(pair) ? pair : '',
    })
  }
  return outcomes
}

function refuse(action: Refusal['action'], infoHash: BinaryId | null, reason: string): ParsedClientMessage {
  return { ok: false, refusal: { action, infoHash, reason } }
}
