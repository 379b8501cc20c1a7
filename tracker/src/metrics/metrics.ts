import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** One room's figures: adds its metrics to the register when the first scrape comes. */
export type MetricsSource = (register: Registry) => void

export interface Metrics {
  /** Adds the figures of another room. */
  add(source: MetricsSource): void
  /** The text of a scrape and its type. */
  scrape(): Promise<{ readonly body: string; readonly contentType: string }>
}

/**
 * A register of our own, so that an embedding server's metrics stay apart. What watches the process starts with the
 * first scrape: a tracker that nobody scrapes does not pay for it.
 */
export function createMetrics(): Metrics {
  const waiting: MetricsSource[] = [register => collectDefaultMetrics({ register })]
  const register = new Registry()
  return {
    add(source) {
      waiting.push(source)
    },
    async scrape() {
      for (const source of waiting.splice(0)) source(register)
      return { body: await register.metrics(), contentType: register.contentType }
    },
  }
}

type Figures = Readonly<Record<string, number>>

/** A total that somebody else counts; `label` names the kinds when there are several. */
export function total(
  register: Registry,
  name: string,
  help: string,
  read: (() => number) | readonly [label: string, read: () => Figures],
): void {
  new Counter({
    name,
    help,
    registers: [register],
    labelNames: typeof read === 'function' ? [] : [read[0]],
    collect() {
      this.reset()
      if (typeof read === 'function') return this.inc(read())
      const [label, figures] = read
      for (const [kind, value] of Object.entries(figures())) this.inc({ [label]: kind }, value)
    },
  })
}

/** A figure of this moment. */
export function level(
  register: Registry,
  name: string,
  help: string,
  read: (() => number) | readonly [label: string, read: () => Figures],
): void {
  new Gauge({
    name,
    help,
    registers: [register],
    labelNames: typeof read === 'function' ? [] : [read[0]],
    collect() {
      this.reset()
      if (typeof read === 'function') return this.set(read())
      const [label, figures] = read
      for (const [kind, value] of Object.entries(figures())) this.set({ [label]: kind }, value)
    },
  })
}
