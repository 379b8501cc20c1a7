import { createEdgeSource, createLoaderEdge, type FetchSourceOptions } from '@nearcast/edge-fallback'
import type { Edge, EdgeRequest } from '@nearcast/peer-core'
import Hls from 'hls.js'

export interface Loaded {
  outcome: string
  detail: string
  bytes: number
  sha256: string
  info: { size: number; total: number; etag: string } | null
  /** `status bytes wasted` of each attempt. */
  attempts: string[]
}

export interface Ask {
  url: string
  from?: number
  to?: number
  whole?: boolean
  headers?: Record<string, string>
  /** Abort at the first byte, or after so many ms. */
  abortAtData?: boolean
  abortAfterMs?: number
}

type Way = 'fetch' | 'credentials' | 'xhr'

/** `xhr`: hls.js's own loader with an xhrSetup that signs in. `credentials`: fetch with a fetchSetup. */
export async function load(way: Way, ask: Ask): Promise<Loaded> {
  const attempts: string[] = []
  const options: FetchSourceOptions = {
    backoffMs: 5,
    stallTimeoutMs: 2500,
    onAttempt: report => attempts.push(`${report.status} ${report.bytes} ${report.wastedBytes}`),
  }
  const request: EdgeRequest = {
    from: 0,
    to: 0,
    whole: true,
    what: 'media',
    headers: {},
    etag: '',
    ...ask,
  }
  const taken = await take(edgeFor(way, options), request, ask)
  return { ...taken, attempts }
}

function edgeFor(way: Way, options: FetchSourceOptions): Edge {
  if (way === 'fetch') return createEdgeSource(options)
  if (way === 'credentials') {
    const fetchSetup: FetchSourceOptions['fetchSetup'] = (context, init) =>
      new Request(context.url, { ...init, credentials: 'include' })
    return createEdgeSource({ ...options, fetchSetup })
  }
  const config = {
    ...Hls.DefaultConfig,
    xhrSetup: (xhr: XMLHttpRequest) => xhr.setRequestHeader('Authorization', 'Bearer viewer'),
  }
  return createLoaderEdge({ ...options, createLoader: () => new Hls.DefaultConfig.loader(config) })
}

let receivedBytes = 0

/** Bytes that the load now under way has handed out. */
export function received(): number {
  return receivedBytes
}

function take(edge: Edge, request: EdgeRequest, ask: Ask): Promise<Omit<Loaded, 'attempts'>> {
  return new Promise(resolve => {
    const chunks: Uint8Array<ArrayBuffer>[] = []
    let info: Loaded['info'] = null
    let next = request.from
    receivedBytes = 0
    const end = async (outcome: string, detail: string) => {
      const whole = await new Blob(chunks).arrayBuffer()
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', whole))
      const sha256 = [...hash].map(byte => byte.toString(16).padStart(2, '0')).join('')
      resolve({ outcome, detail, bytes: whole.byteLength, sha256, info })
    }
    const handle = edge.fetch(request, {
      onOpen(value) {
        info = value
      },
      onData(offset, bytes) {
        if (offset !== next) void end('gap', `${offset} instead of ${next}`)
        next += bytes.length
        receivedBytes += bytes.length
        chunks.push(bytes.slice())
        if (ask.abortAtData) handle.abort()
      },
      onDone: () => void end('done', ''),
      onFail: (reason, detail) => void end(reason, detail),
    })
    if (ask.abortAfterMs !== undefined) setTimeout(() => handle.abort(), ask.abortAfterMs)
  })
}
