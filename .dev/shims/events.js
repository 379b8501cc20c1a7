// Stands in for the npm package `events` (Node's EventEmitter) in the <script> build: what simple-peer and
// bittorrent-protocol use of it.
export class EventEmitter {
  #listeners = new Map()

  on(event, listener) {
    const before = this.#listeners.get(event)
    this.#listeners.set(event, before ? [...before, listener] : [listener])
    return this
  }

  once(event, listener) {
    const wrapped = (...values) => {
      this.removeListener(event, wrapped)
      listener.apply(this, values)
    }
    wrapped.listener = listener
    return this.on(event, wrapped)
  }

  removeListener(event, listener) {
    const before = this.#listeners.get(event) ?? []
    const at = before.findIndex(one => one === listener || one.listener === listener)
    if (at >= 0) this.#listeners.set(event, [...before.slice(0, at), ...before.slice(at + 1)])
    return this
  }

  // A listener may remove itself while it is called: every change makes a new array.
  emit(event, ...values) {
    const listeners = this.#listeners.get(event) ?? []
    if (event === 'error' && listeners.length === 0) throw values[0]
    for (const listener of listeners) listener.apply(this, values)
    return listeners.length > 0
  }

  listenerCount(event) {
    return this.#listeners.get(event)?.length ?? 0
  }
}
