import { groups } from './attribution.ts'
import type { Measurement } from './measure.ts'

/** What the acceptance list allows core and wire together, percent of a core. */
export const limitPercent = 5

/** Microseconds of the whole measurement as milliseconds a second. */
const msPerSecond = (us: number, { seconds }: Measurement) => us / 1000 / seconds
const percent = (us: number, measurement: Measurement) => msPerSecond(us, measurement) / 10

export function tableOf(measurement: Measurement, topFunctions: number): string {
  const row = (name: string, us: number, nativeUs: number) =>
    [
      name.padEnd(20),
      `${msPerSecond(us, measurement).toFixed(1).padStart(7)} ms`,
      `${percent(us, measurement).toFixed(2).padStart(6)} %`,
      nativeUs > 0 ? `${msPerSecond(nativeUs, measurement).toFixed(1).padStart(7)} ms` : '',
    ]
      .join('   ')
      .trimEnd()
  const { core, wire } = measurement.groups
  return [
    `${'page thread'.padEnd(20)}   a second    of a core   of it in native calls`,
    ...groups.map(group => row(group, measurement.groups[group].us, nativeShown(group, measurement))),
    '',
    row('core + wire', core.us + wire.us, core.nativeUs + wire.nativeUs),
    '',
    ...trafficLines(measurement),
    '',
    'most expensive functions of core and wire',
    ...measurement.functions
      .filter(({ group }) => group === 'core' || group === 'wire')
      .slice(0, topFunctions)
      .map(({ name, source, us, nativeUs }) => row(name.slice(0, 20), us, nativeUs).padEnd(58) + source),
    '',
    verdict(measurement),
  ].join('\n')
}

export function jsonOf(measurement: Measurement) {
  const { seconds, peers, threads } = measurement
  const { core, wire } = measurement.groups
  const ms = (us: number) => round(msPerSecond(us, measurement))
  return {
    peers,
    seconds: round(seconds),
    coreAndWirePercent: round(percent(core.us + wire.us, measurement)),
    limitPercent,
    garbageCollectionPercent: round(percent(measurement.groups['garbage collection'].us, measurement)),
    msPerSecond: Object.fromEntries(groups.map(group => [group, ms(measurement.groups[group].us)])),
    receivedFromPeersMbps: megabits(measurement.fromPeersBps),
    receivedFromEdgeMbps: megabits(measurement.fromEdgeBps),
    duplicateMbps: megabits(measurement.duplicateBps),
    uploadedMbps: megabits(measurement.uploadedBps),
    controlMbps: megabits(measurement.controlBps),
    deliveredMbps: megabits(measurement.deliveredBps),
    messagesReceivedPerSecond: Math.round(measurement.messagesReceived),
    messagesSentPerSecond: Math.round(measurement.messagesSent),
    links: measurement.links,
    stalls: measurement.stalls,
    otherStalls: measurement.otherStalls,
    threadMsPerSecond: threads && {
      main: round(threads.mainRanMs),
      mainWaited: round(threads.mainWaitedMs),
      others: round(threads.othersRanMs),
    },
    functions: measurement.functions.slice(0, 40).map(({ group, name, source, us, nativeUs }) => {
      return { group, name, source, ms: ms(us), nativeMs: ms(nativeUs) }
    }),
  }
}

/** All of these are native; only for scripts it says something. */
function nativeShown(group: (typeof groups)[number], { groups: sums }: Measurement): number {
  return sums[group].nativeUs < sums[group].us ? sums[group].nativeUs : 0
}

function trafficLines(measurement: Measurement): string[] {
  const { messagesReceived, messagesSent, threads, links, stalls, otherStalls } = measurement
  const rate = (bps: number) => `${megabits(bps).toFixed(2)} Mbit/s`
  const lines = [
    `media from peers ${rate(measurement.fromPeersBps)}, from the edge ${rate(measurement.fromEdgeBps)}, ` +
      `of both twice or late ${rate(measurement.duplicateBps)}; ` +
      `delivered ${rate(measurement.deliveredBps)}, uploaded ${rate(measurement.uploadedBps)}`,
    `${links} links; control ${rate(measurement.controlBps)} both ways; channel messages a second: ` +
      `${messagesReceived.toFixed(0)} received, ${messagesSent.toFixed(0)} sent`,
    `stalls while profiling: ${stalls} here, ${otherStalls} of the others`,
  ]
  if (threads) {
    lines.push(
      `the kernel counted for this thread ${threads.mainRanMs.toFixed(0)} ms a second on a core and ` +
        `${threads.mainWaitedMs.toFixed(0)} ms waiting for one; for the process's other threads ${threads.othersRanMs.toFixed(0)} ms`,
    )
  }
  return lines
}

function verdict(measurement: Measurement): string {
  const { core, wire, 'garbage collection': garbage } = measurement.groups
  const own = percent(core.us + wire.us, measurement)
  const all = percent(core.us + wire.us + garbage.us, measurement)
  return (
    `scheduler and wire: ${own.toFixed(2)} % of a core (at most ${limitPercent} are allowed: ${own <= limitPercent ? 'met' : 'NOT met'}); ` +
    `${all.toFixed(2)} % with all garbage collection of the page, the player's and the host's included`
  )
}

function megabits(bps: number): number {
  return round((bps * 8) / 1e6)
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
