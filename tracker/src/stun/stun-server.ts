import { createSocket, type RemoteInfo } from 'node:dgram'
import { addressKey, parseAddress } from '../address/address.ts'
import { TrackerError } from '../tracker-error.ts'
import { answerBinding } from './binding.ts'
import { createSourceLimit, type SourceLimitOptions } from './source-limit.ts'

export interface StunOptions {
  readonly port: number
  /** Address to listen on; `::` takes IPv4 as well. @default '0.0.0.0' */
  readonly host?: string
  readonly limit?: SourceLimitOptions
}

/** Datagrams since start: answered, over a source's share, or no binding request. */
export interface StunCounters {
  answered: number
  limited: number
  malformed: number
}

export interface StunServer {
  readonly port: number
  readonly counters: Readonly<StunCounters>
  close(): Promise<void>
}

/** Tells browsers their own address over UDP. Run inside an office it shows them their address on the LAN. */
export function createStunServer({ port, host = '0.0.0.0', limit }: StunOptions): Promise<StunServer> {
  const sourceLimit = createSourceLimit(limit)
  const counters: StunCounters = { answered: 0, limited: 0, malformed: 0 }
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (datagram: Buffer, { address, port: sourcePort }: RemoteInfo) => {
    const source = parseAddress(address)
    if (source === null) return
    if (!sourceLimit.allows(addressKey(source), performance.now())) {
      counters.limited++
      return
    }
    const answer = answerBinding(datagram, { bytes: source.bytes, port: sourcePort })
    if (answer === null) {
      counters.malformed++
      return
    }
    counters.answered++
    // Whether it arrives is the network's business: STUN clients repeat themselves (RFC 8489 §6.2.1).
    socket.send(answer, sourcePort, address, () => {})
  })
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      reject(
        error.code === 'EADDRINUSE'
          ? new TrackerError(
              'port-taken',
              `UDP port ${port} is taken: choose another --port, or --no-stun`,
              error,
            )
          : new TrackerError(
              'listen',
              `no STUN on UDP port ${port} (${error.message}): mend it, or --no-stun`,
              error,
            ),
      )
    })
    socket.bind(port, host, () => {
      socket.removeAllListeners('error')
      socket.on('error', () => {})
      let closed: Promise<void> | null = null
      resolve({
        port: socket.address().port,
        counters,
        close: () => {
          closed ??= new Promise(done => socket.close(() => done()))
          return closed
        },
      })
    })
  })
}
