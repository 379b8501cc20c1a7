import { type ByteRange, headTag, mapTag, scanPlaylist, segmentTag } from '@nearcast/peer-core'
import type { Digest } from './digester.ts'

/** Bytes that a playlist names: `uri` as written. */
export interface NamedBytes {
  readonly uri: string
  readonly range: ByteRange | null
}

/** Everything a media playlist names, init segments first; null when it is none. */
export function namedBytes(text: string): NamedBytes[] | null {
  const playlist = scanPlaylist(text)
  if (!playlist) return null
  return [...playlist.maps, ...playlist.segments.filter(segment => !segment.gap)].filter(
    ({ uri }) => uri !== '',
  )
}

/**
 * The playlist with our tags, see `digest-tags.ts` of peer-core. Tags of an earlier run are replaced, so tagging twice
 * equals tagging once; every other line stays as it is. What `digestOf` does not know gets no tag.
 */
export function tagPlaylist(
  text: string,
  template: string,
  digestOf: (bytes: NamedBytes) => Pick<Digest, 'size' | 'root'> | null | undefined,
): string {
  const clean = untagPlaylist(text)
  const playlist = scanPlaylist(clean)
  if (!playlist) return text
  const before = new Map<number, string>()
  for (const { infLine, ...segment } of playlist.segments) {
    const digest = segment.gap ? null : digestOf(segment)
    if (digest) before.set(infLine, attributes(segmentTag, digest))
  }
  for (const map of playlist.maps) {
    const digest = digestOf(map)
    if (digest) before.set(map.line, attributes(mapTag, digest))
  }
  if (before.size === 0) return clean
  const newline = clean.includes('\r\n') ? '\r\n' : '\n'
  const head = `${headTag}VERSION=1,HASHES="${template}"`
  return playlist.lines
    .flatMap((line, i) => {
      const tag = before.get(i)
      if (i === 0) return [line, head]
      return tag === undefined ? [line] : [tag, line]
    })
    .join(newline)
}

export function isTagged(text: string): boolean {
  return text.includes(headTag)
}

export function untagPlaylist(text: string): string {
  return text.replace(/^#EXT-X-NEARCAST[-:][^\r\n]*(\r\n|\n|\r|$)/gm, '')
}

function attributes(tag: string, { size, root }: Pick<Digest, 'size' | 'root'>): string {
  return `${tag}SIZE=${size},ROOT=${root}`
}
