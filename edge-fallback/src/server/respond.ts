import type { ByteRange } from '@nearcast/peer-core'
import { parseRange } from './byte-range.ts'
import type { Resource } from './resource.ts'

/** An answer before it becomes a Response: who writes it may still slow it, cut it or count it. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
}

/** The answer to a GET or HEAD of `resource`: conditions, then the range (RFC 9110 §13.2.2). */
export function respond(resource: Resource, request: Headers, head: boolean): Answer {
  const headers = new Headers({ 'Content-Type': resource.type, 'Cache-Control': resource.cacheControl })
  if (resource.encoding) headers.set('Content-Encoding', resource.encoding)
  if (resource.varies) headers.set('Vary', 'Accept-Encoding')
  if (resource.etag) headers.set('ETag', resource.etag)
  if (resource.modifiedMs !== null) headers.set('Last-Modified', new Date(resource.modifiedMs).toUTCString())
  if (notModified(resource, request)) return { status: 304, headers, body: null }

  const { size } = resource
  if (size === null) return { status: 200, headers, body: head ? null : resource.read(null) }
  headers.set('Accept-Ranges', 'bytes')
  const wanted = head || !rangeApplies(resource, request) ? 'whole' : parseRange(request.get('range'), size)
  if (wanted === 'unsatisfiable') {
    headers.set('Content-Range', `bytes */${size}`)
    headers.delete('Content-Type')
    return { status: 416, headers, body: null }
  }
  const range: ByteRange | null = wanted === 'whole' ? null : wanted
  headers.set('Content-Length', String(range ? range.to - range.from : size))
  if (range) headers.set('Content-Range', `bytes ${range.from}-${range.to - 1}/${size}`)
  return { status: range ? 206 : 200, headers, body: head || size === 0 ? null : resource.read(range) }
}

function notModified(resource: Resource, request: Headers): boolean {
  const tags = request.get('if-none-match')
  if (tags !== null) {
    const weak = (tag: string) => tag.trim().replace(/^W\//, '')
    return (
      tags.trim() === '*' ||
      (resource.etag !== '' && tags.split(',').some(tag => weak(tag) === resource.etag))
    )
  }
  const since = Date.parse(request.get('if-modified-since') ?? '')
  return resource.modifiedMs !== null && Math.floor(resource.modifiedMs / 1000) * 1000 <= since
}

/** If-Range (RFC 9110 §13.1.5): the range only of the very bytes that the client has. */
function rangeApplies(resource: Resource, request: Headers): boolean {
  const condition = request.get('if-range')?.trim()
  if (condition === undefined) return true
  if (condition.startsWith('"')) return condition === resource.etag
  // A date is too coarse to prove equal bytes when the file is young; and W/ tags never do.
  return false
}
