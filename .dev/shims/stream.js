// Stands in for readable-stream under simple-peer in the <script> build (14 KB of gzip). simple-peer uses its stream
// base class only to hand on what arrives and to notice its own end; our transport reads `data` events from the
// start and writes with `send`, so nothing is ever buffered or paused here.
import { EventEmitter } from './events.js'

export class Duplex extends EventEmitter {
  constructor() {
    super()
    this.readable = true
    this.writable = true
    this._readableState = { ended: false }
    this._writableState = { finished: false }
  }

  push(chunk) {
    if (chunk !== null) this.emit('data', chunk)
    else if (!this._readableState.ended) {
      this._readableState.ended = true
      queueMicrotask(() => this.emit('end'))
    }
    return true
  }

  end() {
    if (this._writableState.finished) return
    this._writableState.finished = true
    queueMicrotask(() => this.emit('finish'))
  }
}
