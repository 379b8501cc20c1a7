import type { Input, Output } from '../../../peer-core/src/core/events.ts'
import type { HostView, Payload } from '../host.ts'

/** Something that must never happen, did. */
export interface Violation {
  readonly rule: string
  /** World time, ms. */
  readonly at: number
  readonly viewer: number
  readonly what: string
}

/** One rule about what a core may do. Its memory is per run; `report` takes what it finds. */
export interface Invariant {
  input?(host: HostView, now: number, input: Input): void
  output?(host: HostView, now: number, output: Output, payload: Payload | null): void
  /** Every second of the world, and once when it stops, for each living viewer. */
  second?(host: HostView, now: number): void
  /** The viewer is gone: what was remembered of it may go. */
  closed?(host: HostView): void
}

export type Report = (host: HostView, rule: string, what: string) => void
