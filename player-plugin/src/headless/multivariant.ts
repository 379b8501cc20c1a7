import { parseAttributes } from '@nearcast/peer-core'

/** One EXT-X-STREAM-INF. */
export interface Variant {
  readonly url: string
  /** Bit/s. */
  readonly bandwidth: number
  /** 0 when the playlist does not say. */
  readonly height: number
  readonly hasVideo: boolean
  /** Group of its audio renditions, or ''. */
  readonly audio: string
}

/** One EXT-X-MEDIA. */
export interface Rendition {
  readonly type: 'AUDIO' | 'SUBTITLES' | 'VIDEO'
  readonly group: string
  readonly isDefault: boolean
  /** Null: its media is in the variants themselves. */
  readonly url: string | null
}

export interface Multivariant {
  readonly variants: readonly Variant[]
  readonly renditions: readonly Rendition[]
}

/** Which variants to follow; a number is a height in pixels. */
export type RenditionChoice = 'highest' | 'lowest' | 'all' | number

/**
 * A multivariant playlist (RFC 8216 §4.3.4); null for a media playlist or anything else. Entries without what they
 * must have are left out, as players do.
 */
export function parseMultivariant(text: string, url: string): Multivariant | null {
  const variants: Variant[] = []
  const renditions: Rendition[] = []
  let inf: Map<string, string> | null = null
  for (const raw of text.split(/\r\n|\n|\r/)) {
    const line = raw.trim()
    if (line.startsWith('#EXT-X-STREAM-INF:')) inf = new Map(parseAttributes(afterColon(line)))
    else if (line.startsWith('#EXT-X-MEDIA:')) {
      const rendition = parseRendition(parseAttributes(afterColon(line)), url)
      if (rendition) renditions.push(rendition)
    } else if (inf && line !== '' && !line.startsWith('#')) {
      const address = resolve(line, url)
      if (address) variants.push(variant(inf, address))
      inf = null
    }
  }
  return variants.length > 0 ? { variants, renditions } : null
}

/**
 * The playlists to follow, video first: the chosen variant with its default audio, or all there is. Null when no
 * variant has the height asked for.
 */
export function choosePlaylists(
  { variants, renditions }: Multivariant,
  choice: RenditionChoice,
): readonly string[] | null {
  // Variants of sound alone are for players that may not show pictures.
  const watchable = variants.some(({ hasVideo }) => hasVideo)
    ? variants.filter(({ hasVideo }) => hasVideo)
    : variants
  if (choice === 'all') {
    const apart = renditions.flatMap(({ url }) => url ?? [])
    return [...new Set([...watchable.map(({ url }) => url), ...apart])]
  }
  const ordered = [...watchable].sort((a, b) => a.bandwidth - b.bandwidth)
  const fitting = typeof choice === 'number' ? ordered.filter(({ height }) => height === choice) : ordered
  const chosen = choice === 'lowest' ? fitting[0] : fitting.at(-1)
  if (!chosen) return null
  const sounds = renditions.filter(({ type, group }) => type === 'AUDIO' && group === chosen.audio)
  const sound = sounds.find(({ isDefault }) => isDefault) ?? sounds[0]
  return [...new Set([chosen.url, ...(sound?.url ? [sound.url] : [])])]
}

function variant(attributes: ReadonlyMap<string, string>, url: string): Variant {
  const height = Number(/^\d+x(\d+)$/i.exec(attributes.get('RESOLUTION') ?? '')?.[1] ?? 0)
  const codecs = attributes.get('CODECS') ?? ''
  return {
    url,
    bandwidth: Number.parseInt(attributes.get('BANDWIDTH') ?? '', 10) || 0,
    height,
    hasVideo: height > 0 || /\b(avc|hvc|hev|dvh|vp0|vp8|vp9|av01)/i.test(codecs),
    audio: attributes.get('AUDIO') ?? '',
  }
}

function parseRendition(attributes: ReadonlyMap<string, string>, base: string): Rendition | null {
  const type = attributes.get('TYPE')
  if (type !== 'AUDIO' && type !== 'SUBTITLES' && type !== 'VIDEO') return null
  const uri = attributes.get('URI')
  return {
    type,
    group: attributes.get('GROUP-ID') ?? '',
    isDefault: attributes.get('DEFAULT') === 'YES',
    url: uri === undefined ? null : resolve(uri, base),
  }
}

function afterColon(line: string): string {
  return line.slice(line.indexOf(':') + 1)
}

function resolve(reference: string, base: string): string | null {
  return URL.canParse(reference, base) ? new URL(reference, base).href : null
}
