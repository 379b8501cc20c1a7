/** Typed listeners. One that throws is reported and stops nobody else. */
export interface Emitter<Events> {
  on<K extends keyof Events>(event: K, listener: (value: Events[K]) => void): () => void
  emit<K extends keyof Events>(event: K, value: Events[K]): void
  clear(): void
}

export function createEmitter<Events>(): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(value: never) => void>>()
  return {
    on(event, listener) {
      const set = listeners.get(event) ?? new Set()
      listeners.set(event, set)
      set.add(listener)
      return () => void set.delete(listener)
    },
    emit(event, value) {
      for (const listener of [...(listeners.get(event) ?? [])]) {
        try {
          ;(listener as (value: unknown) => void)(value)
        } catch (error) {
          // The page's own mistake: reported as an uncaught error would be, without breaking playback.
          if (typeof reportError === 'function') reportError(error)
          else console.error(error)
        }
      }
    },
    clear() {
      listeners.clear()
    },
  }
}
