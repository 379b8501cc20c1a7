// Stands in for streamx under bittorrent-protocol in the <script> build (8 KB of gzip with its dependencies). A
// `Wire` is fed by our link, which guards and meters what it writes, and read by our link, which takes every chunk at
// once: neither side ever waits, so a queue each way is all there is to such a stream. As in streamx, chunks move
// in a microtask of their own and never inside the call that brought them.
import { EventEmitter } from './events.js'

export class Duplex extends EventEmitter {
  destroyed = false
  destroying = false
  #readable = []
  #writable = []
  #ending = false
  #moving = false

  push(chunk) {
    if (chunk !== null && !this.destroyed) this.#readable.push(chunk)
    this.#move()
    return true
  }

  /** The next chunk that nobody has heard yet, or null. */
  read() {
    return this.#readable.shift() ?? null
  }

  write(chunk) {
    if (!this.#ending) this.#writable.push(chunk)
    this.#move()
    return true
  }

  end(chunk) {
    if (chunk != null) this.write(chunk)
    this.#ending = true
    this.destroying = true
    this.#move()
    return this
  }

  #move() {
    if (this.#moving || this.destroyed) return
    this.#moving = true
    queueMicrotask(() => {
      this.#moving = false
      this.#pump()
    })
  }

  #pump() {
    while (this.#writable.length > 0) this._write(this.#writable.shift(), () => {})
    while (this.#readable.length > 0) this.emit('data', this.#readable.shift())
    if (!this.#ending || this.destroyed || this.#writable.length > 0) return
    this.emit('finish')
    this.destroyed = true
    this.emit('close')
  }
}
