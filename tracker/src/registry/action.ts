/** The adapter's name for one socket. */
export type ConnectionId = number

/** What the registry wants done, in this order. */
export type Action =
  | { readonly type: 'send'; readonly to: ConnectionId; readonly message: string }
  /** `code`: a WebSocket close code (RFC 6455 §7.4). */
  | { readonly type: 'close'; readonly to: ConnectionId; readonly code: number; readonly reason: string }
  /** Look at a join token; the registry waits for `verified` before it hears more of this socket. */
  | { readonly type: 'verify'; readonly to: ConnectionId; readonly token: string }
  /** Ask whether the other end still lives; it answers with `pong`. */
  | { readonly type: 'ping'; readonly to: ConnectionId }

/** RFC 6455 §7.4.1: the message breaks this server's rules. */
export const policyViolation = 1008
