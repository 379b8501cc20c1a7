import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** Who asks: what admission looks at of a request, whatever the runtime. */
export interface Caller {
  /** Path and query. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders
  /** The other end of the socket; undefined when it has gone. */
  readonly remoteAddress: string | undefined
}

export function callerOf({ url = '/', headers, socket }: IncomingMessage): Caller {
  return { url, headers, remoteAddress: socket.remoteAddress }
}

/**
 * What an adapter hands hono beside the request: `caller` is ours, `incoming` comes from Node's server. An app called in
 * memory has neither, and nobody is known then.
 */
export interface CallerBindings {
  readonly caller?: Caller
  readonly incoming?: IncomingMessage
}

export function callerIn(bindings: unknown): Caller | null {
  const { caller, incoming } = (bindings ?? {}) as CallerBindings
  return caller ?? (incoming === undefined ? null : callerOf(incoming))
}
