/**
 * The roofline: the least that a WebTorrent tracker on `ws` can do, in a process of its own. It parses each message
 * (how else to know whose it is), answers an announce, hands its offers to whoever comes next in the swarm and an answer to whom it
 * names. No validation, no ledger, no limits, no groups, no memory of who met whom, nobody is ever removed.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

interface Swarm {
  readonly sockets: WebSocket[]
  readonly byId: Map<string, WebSocket>
  next: number
}

const swarms = new Map<string, Swarm>()
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false })

const server = createServer((_request, response) => response.end('ok'))
server.on('upgrade', (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, webSocket => {
    webSocket.on('message', data => take(webSocket, JSON.parse(data.toString())))
    webSocket.on('error', () => {})
  })
})
process.on('SIGINT', () => process.exit(0))
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(JSON.stringify({ ready: true, announce: `ws://127.0.0.1:${port}` }))
})

interface Message {
  readonly info_hash: string
  readonly peer_id: string
  readonly to_peer_id?: string
  readonly offer_id?: string
  readonly answer?: unknown
  readonly offers?: readonly { readonly offer: unknown; readonly offer_id: string }[]
}

function take(socket: WebSocket, message: Message): void {
  const { info_hash, peer_id } = message
  let swarm = swarms.get(info_hash)
  if (swarm === undefined) {
    swarm = { sockets: [], byId: new Map(), next: 0 }
    swarms.set(info_hash, swarm)
  }
  if (message.to_peer_id !== undefined) {
    const { answer, offer_id } = message
    const text = JSON.stringify({ action: 'announce', info_hash, peer_id, answer, offer_id })
    swarm.byId.get(message.to_peer_id)?.send(text)
    return
  }
  if (!swarm.byId.has(peer_id)) {
    swarm.byId.set(peer_id, socket)
    swarm.sockets.push(socket)
  }
  const complete = swarm.sockets.length
  socket.send(JSON.stringify({ action: 'announce', info_hash, interval: 120, complete, incomplete: 0 }))
  for (const { offer, offer_id } of message.offers ?? []) {
    let receiver = swarm.sockets[swarm.next++ % complete]
    if (receiver === socket) receiver = swarm.sockets[swarm.next++ % complete]
    receiver?.send(JSON.stringify({ action: 'announce', info_hash, peer_id, offer, offer_id }))
  }
}
