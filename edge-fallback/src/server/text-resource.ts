import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { memoryResource, type Resource } from './resource.ts'

/** Shorter texts do not get shorter. */
const worthBytes = 400

/**
 * A text made here, such as a playlist with tags. Every viewer polls playlists over the site's line, so they go
 * compressed to whoever takes that.
 */
export function textResource(text: string, like: Pick<Resource, 'type' | 'cacheControl'>): Resource {
  const bytes = new TextEncoder().encode(text)
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 32)
  const resource = memoryResource(bytes, {
    etag: `"${hash}"`,
    // The tags may change when the file does not.
    modifiedMs: null,
    type: like.type,
    cacheControl: like.cacheControl,
    identity: hash,
  })
  return { ...resource, varies: true }
}

/** The same text compressed, when the request takes it and it helps. Its validator is its own (RFC 9110 §8.8.3). */
export function compressed(text: string, plain: Resource, acceptEncoding: string | null): Resource {
  if (!/\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(acceptEncoding ?? '') || text.length < worthBytes)
    return plain
  return {
    ...memoryResource(new Uint8Array(gzipSync(text, { level: 9 })), {
      etag: plain.etag.replace(/"$/, '-gzip"'),
      modifiedMs: null,
      type: plain.type,
      cacheControl: plain.cacheControl,
      identity: `${plain.identity} gzip`,
    }),
    encoding: 'gzip',
    varies: true,
  }
}
