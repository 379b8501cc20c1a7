import type { Answer } from './respond.ts'

/** Any page may read, and sees what a source needs to resume and verify (Fetch standard §3.2). */
export const corsHeaders: readonly (readonly [string, string])[] = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Expose-Headers', 'ETag, Content-Range, Content-Length, Accept-Ranges, Repr-Digest'],
  ['Cross-Origin-Resource-Policy', 'cross-origin'],
  ['Timing-Allow-Origin', '*'],
  ['X-Content-Type-Options', 'nosniff'],
]

export function preflight(request: Headers): Answer {
  const headers = new Headers({
    'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
    // Echoed, because `*` does not cover Authorization.
    'Access-Control-Allow-Headers': request.get('access-control-request-headers') ?? '*',
    'Access-Control-Max-Age': '86400',
    Vary: 'Access-Control-Request-Headers',
  })
  // A public page that asks an edge inside the office (Private Network Access).
  if (request.get('access-control-request-private-network') === 'true') {
    headers.set('Access-Control-Allow-Private-Network', 'true')
  }
  return { status: 204, headers, body: null }
}
