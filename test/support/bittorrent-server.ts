/** npm bittorrent-tracker's server, WebSocket only, in a process of its own. */
import { Server } from 'bittorrent-tracker'

const server = new Server({ http: false, udp: false, ws: true, stats: false, trustProxy: true })
// It warns of whatever a client does wrong, and an `error` without a listener would end it.
server.on('warning', () => {})
server.on('error', error => console.error(String(error)))
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: true, announce: `ws://127.0.0.1:${server.ws.address().port}` }))
})
