import { createStunServer, type StunServer } from './stun-server.ts'

/** A number that is free for TCP is almost always free for UDP: so many in a row that are not mean something else. */
const mostAttempts = 5

export interface StunBesideOptions<Bound> {
  /** What was asked for; 0: any number that is free for both. */
  readonly port: number
  /** Opens the TCP side. */
  listen(): Promise<Bound>
  /** Closes it again, when STUN cannot have its number. */
  close(bound: Bound): Promise<void>
}

/**
 * STUN on the UDP port with the number of a TCP port, so that people name one. Asked for any port, a pair that is free
 * in both is found by trying. What was opened is closed when it rejects.
 * @throws what `listen` rejects with, or TrackerError when the UDP port is taken or forbidden
 */
export async function stunBeside<Bound extends { readonly port: number; readonly address?: string }>({
  port,
  listen,
  close,
}: StunBesideOptions<Bound>): Promise<{ readonly bound: Bound; readonly stun: StunServer }> {
  for (let attempt = 1; ; attempt++) {
    const bound = await listen()
    const { address } = bound
    try {
      return { bound, stun: await createStunServer({ port: bound.port, ...(address && { host: address }) }) }
    } catch (error) {
      await close(bound)
      if (port !== 0 || attempt === mostAttempts) throw error
    }
  }
}
