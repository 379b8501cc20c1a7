import type { BunHandlers } from './bun-handlers.ts'
import type { BunRuntime } from './bun-runtime.ts'
import { explainListening, type Listener, type ListenerOptions } from './listener.ts'

/**
 * The same with `Bun.serve`.
 * @throws TrackerError when it cannot listen there
 */
export function listenOnBun(
  bun: BunRuntime,
  handlers: Partial<BunHandlers> & Pick<BunHandlers, 'fetch'>,
  options: ListenerOptions,
): Listener {
  const { port, host, headersMs } = options
  try {
    const server = bun.serve({
      ...handlers,
      port,
      ...(host !== undefined && { hostname: host }),
      idleTimeout: Math.min(255, Math.max(1, Math.ceil(headersMs / 1_000))),
    })
    const { address } = server
    return {
      port: address.port,
      address: address.address,
      close: () => server.stop(true),
    }
  } catch (error) {
    throw explainListening(error as NodeJS.ErrnoException, options)
  }
}
