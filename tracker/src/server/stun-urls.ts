import type { Caller } from './caller.ts'

/**
 * The STUN URL a client can reach by the name it reached us: same host, same port number, over UDP. Inside an office
 * this is what lets browsers find each other where multicast DNS is filtered.
 */
export function stunUrlFor({ headers }: Caller, port: number): string | null {
  // Whoever forges a Host header misleads only itself; the URL parser keeps anything else out.
  const host = headers.host ?? ''
  if (!URL.canParse(`http://${host}`)) return null
  const { hostname } = new URL(`http://${host}`)
  return hostname === '' ? null : `stun:${hostname}:${port}`
}
