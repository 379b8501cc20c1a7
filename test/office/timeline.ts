import type { Internet } from './internet.ts'
import type { Office } from './office.ts'
import type { LabEvent, Scenario } from './scenario.ts'
import type { Seat } from './seat.ts'

/** Something that happens at a moment. */
export interface Act {
  /** Since the last of the first joins, ms. */
  readonly atMs: number
  /** Whether a viewer comes. */
  readonly isJoin: boolean
  act(): Promise<void>
}

/** What a timeline may touch. */
export interface Props {
  readonly internet: Internet
  readonly offices: readonly Office[]
  /** Those who watch, in the order they came; grows. */
  readonly joined: readonly Seat[]
  /** For replacements. */
  readonly spares: readonly Seat[]
  enter(seat: Seat): Promise<void>
  say(progress: string): void
}

/** The scenario's events as acts, in no order. */
export function timelineOf({ events, lineSteps }: Scenario, props: Props): Act[] {
  const { offices, say } = props
  const steps = lineSteps.map(({ atMs, kbps }) =>
    plain(atMs, () => {
      say(`the line now carries ${kbps} kbit/s`)
      for (const { router } of offices) router.setLine(kbps)
    }),
  )
  return [...steps, ...events.flatMap(event => actsOf(event, props))]
}

function actsOf(event: LabEvent, { internet, joined, spares, enter, say }: Props): Act[] {
  switch (event.type) {
    case 'outage':
      return [
        plain(event.atMs, () => {
          say(`the edge answers ${event.status}`)
          internet.setOutage(event.status)
        }),
        plain(event.atMs + event.forMs, () => internet.setOutage(null)),
      ]
    case 'seek':
      return [
        plain(event.atMs, () => {
          say(`viewer ${event.viewer + 1} seeks to ${event.to} s`)
          return joined[event.viewer]!.seek(event.to)
        }),
      ]
    case 'churn':
      return [
        plain(event.atMs, async () => {
          say('half of the viewers die')
          await Promise.all(everySecond(joined).map(seat => seat.kill()))
        }),
        ...spares.map((seat, index) => ({
          atMs: event.atMs + (index + 1) * event.everyMs,
          isJoin: true,
          act: () => enter(seat),
        })),
      ]
  }
}

/** Those who die in churn; their replacements sit at the same sites. */
export function everySecond<T>(items: readonly T[]): T[] {
  return items.filter((_, index) => index % 2 === 1)
}

function plain(atMs: number, act: () => Promise<void> | void): Act {
  return { atMs, isJoin: false, act: async () => act() }
}
