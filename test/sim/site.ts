import type { Clock } from './clock.ts'
import { createLine, type Discipline, type Line } from './line.ts'

/** Viewers behind one shared line to the outside. */
export interface Site {
  readonly name: string
  readonly down: Line
  readonly up: Line
  /** One way between two of its viewers, ms. */
  readonly lanDelayMs: number
  /** One way from here to the edge, ms. */
  readonly edgeDelayMs: number
}

/** One viewer's own cable, or its access point's air: then both directions are one line that others share. */
export interface Access {
  readonly down: Line
  readonly up: Line
}

export interface SitePlan {
  /** Bits a second of the shared line, each way; Infinity: no limit. */
  readonly lineBps: number
  readonly discipline: Discipline
  readonly lanDelayMs: number
  readonly edgeDelayMs: number
}

export function createSite(clock: Clock, name: string, plan: SitePlan): Site {
  return {
    name,
    down: createLine(clock, `${name} down`, plan.lineBps / 8, plan.discipline),
    up: createLine(clock, `${name} up`, plan.lineBps / 8, plan.discipline),
    lanDelayMs: plan.lanDelayMs,
    edgeDelayMs: plan.edgeDelayMs,
  }
}

export function createAccess(clock: Clock, name: string, downBps: number, upBps: number): Access {
  return {
    down: createLine(clock, `${name} down`, downBps / 8, 'fair'),
    up: createLine(clock, `${name} up`, upBps / 8, 'fair'),
  }
}

/** The air of one access point: half-duplex, so what goes up takes from what comes down, and passing it on costs twice. */
export function createAir(clock: Clock, name: string, bps: number): Access {
  const air = createLine(clock, name, bps / 8, 'fair')
  return { down: air, up: air }
}
