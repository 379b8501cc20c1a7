import type { Integrity } from '../core/events.ts'
import { isBinaryId } from './binary.ts'
import { asCandidates, asFields, asMode, asSdp, asText, asWhole, type Fields, parseJson } from './fields.ts'
import { isLevel } from './level.ts'
import { signallingLimits } from './limits.ts'
import type {
  ScrapedSwarm,
  TrackerExtras,
  TrackerMessage,
  WireBackbone,
  WireGroup,
  WireNeighbour,
  WirePolicy,
} from './tracker-message.ts'

/** Reads one text frame of a tracker; null when it is nothing we know. Never throws. */
export function parseTrackerText(text: string): TrackerMessage | null {
  return parseTrackerMessage(parseJson(text))
}

/** Reads one decoded message of a tracker; null when it is nothing we know. Never throws. */
export function parseTrackerMessage(value: unknown): TrackerMessage | null {
  const fields = asFields(value)
  if (fields === null) return null
  const reason = asText(fields['failure reason'])
  if (reason !== null && reason !== '') {
    return {
      type: 'failure',
      infoHash: isBinaryId(fields['info_hash']) ? fields['info_hash'] : null,
      reason,
      ...(asFields(fields['nearcast'])?.['refused'] === 'token' && { wantsToken: true }),
    }
  }
  if (fields['action'] === 'scrape') return parseScrape(fields)
  return fields['action'] === 'announce' ? parseAnnounce(fields) : null
}

function parseAnnounce(fields: Fields): TrackerMessage | null {
  const infoHash = fields['info_hash']
  if (!isBinaryId(infoHash)) return null
  const from = fields['peer_id']
  const offerId = fields['offer_id']
  if (isBinaryId(from) && isBinaryId(offerId)) {
    const ours = asFields(fields['nearcast'])
    const offer = asSdp(fields['offer'], 'offer')
    if (offer !== null) {
      const level = isLevel(ours?.['level']) ? ours['level'] : null
      return {
        type: 'offer',
        infoHash,
        from,
        offerId,
        sdp: offer,
        level,
        trickle: ours?.['trickle'] === true,
      }
    }
    const answer = asSdp(fields['answer'], 'answer')
    if (answer !== null) return { type: 'answer', infoHash, from, offerId, sdp: answer }
    const candidates = asCandidates(ours?.['candidates'])
    return candidates === null ? null : { type: 'candidates', infoHash, from, offerId, candidates }
  }
  const complete = asWhole(fields['complete'], 0, Number.MAX_SAFE_INTEGER)
  const incomplete = asWhole(fields['incomplete'], 0, Number.MAX_SAFE_INTEGER)
  return {
    type: 'response',
    infoHash,
    // A tracker may write fractions; nobody may make us announce in a tight loop or never again.
    interval: asSeconds(fields['interval']) ?? asSeconds(fields['min interval']),
    counts:
      complete === null && incomplete === null
        ? null
        : { complete: complete ?? 0, incomplete: incomplete ?? 0 },
    trackerId: asText(fields['tracker id']) ?? '',
    warning: asText(fields['warning message']) ?? '',
    extras: asExtras(fields['nearcast']),
  }
}

function asSeconds(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null
}

function parseScrape(fields: Fields): TrackerMessage | null {
  const files = asFields(fields['files'])
  if (files === null) return null
  const swarms: ScrapedSwarm[] = []
  for (const [infoHash, value] of Object.entries(files).slice(0, signallingLimits.scrapes)) {
    const counts = asFields(value)
    if (!isBinaryId(infoHash) || counts === null) continue
    const count = (name: string) => asWhole(counts[name], 0, Number.MAX_SAFE_INTEGER) ?? 0
    swarms.push({
      infoHash,
      complete: count('complete'),
      incomplete: count('incomplete'),
      downloaded: count('downloaded'),
    })
  }
  return { type: 'scrape', files: swarms }
}

function asExtras(value: unknown): TrackerExtras | null {
  const fields = asFields(value)
  if (fields === null) return null
  const group = asGroup(fields['group'])
  const policy = asPolicy(fields['policy'])
  const neighbours = asNeighbours(fields['neighbours'])
  const backbone = asBackbone(fields['backbone'])
  const ice = asIce(fields['ice'])
  const reportMs = asWhole(fields['reportMs'], 0, 3_600_000)
  const afterMs = asWhole(asFields(fields['reconnect'])?.['afterMs'], 0, 3_600_000)
  return {
    ...(group && { group }),
    ...(policy && { policy }),
    ...(neighbours && { neighbours }),
    ...(backbone && { backbone }),
    ...(ice && { ice }),
    ...(reportMs !== null && { reportMs }),
    ...(afterMs !== null && { reconnect: { afterMs } }),
  }
}

function asGroup(value: unknown): WireGroup | null {
  const fields = asFields(value)
  const label = asText(fields?.['label'], 64)
  const level = fields?.['level']
  const size = asWhole(fields?.['size'], 0, 10_000_000)
  return label === null || !isLevel(level) || size === null ? null : { label, level, size }
}

function asBackbone(value: unknown): WireBackbone | null {
  const fields = asFields(value)
  const role = fields?.['role']
  if (role !== 'mesh' && role !== 'fetcher' && role !== 'member') return null
  return { role, epoch: asWhole(fields?.['epoch'], 0, 0xffff_ffff) ?? 0 }
}

function asPolicy(value: unknown): WirePolicy | null {
  const fields = asFields(value)
  if (fields === null) return null
  const mode = asMode(fields['mode'])
  const wan = fields['wan']
  const kbps = (name: string) => asWhole(fields[name], 0, 1_000_000_000)
  const uploadKbps = kbps('uploadKbps')
  const lineKbps = kbps('lineKbps')
  const maxPeers = asWhole(fields['maxPeers'], 0, 10_000)
  const policy: WirePolicy = {
    ...(mode !== null && { mode }),
    ...((wan === 'allow' || wan === 'deny') && { wan }),
    ...(isIntegrity(fields['integrity']) && { integrity: fields['integrity'] }),
    ...(uploadKbps !== null && { uploadKbps }),
    ...(lineKbps !== null && { lineKbps }),
    ...(maxPeers !== null && { maxPeers }),
  }
  return Object.keys(policy).length === 0 ? null : policy
}

function isIntegrity(value: unknown): value is Integrity {
  return value === 'required' || value === 'prefer' || value === 'audit' || value === 'off'
}

function asNeighbours(value: unknown): readonly WireNeighbour[] | null {
  if (!Array.isArray(value)) return null
  const neighbours: WireNeighbour[] = []
  for (const item of value.slice(0, signallingLimits.neighbours)) {
    const fields = asFields(item)
    const peerId = fields?.['peer_id']
    const level = fields?.['level']
    if (isBinaryId(peerId) && isLevel(level)) neighbours.push({ peerId, level })
  }
  return neighbours
}

/** STUN only: a tracker must not be able to send viewers' traffic through a relay of its choice. */
function asIce(value: unknown): readonly string[] | null {
  const urls = asFields(value)?.['urls']
  if (!Array.isArray(urls)) return null
  const stun = urls.filter(
    (url): url is string => typeof url === 'string' && /^stuns?:[^\s?]{1,255}$/.test(url),
  )
  return stun.length === 0 ? null : stun.slice(0, 4)
}
