/**
 * How long to stay away after a socket ended. `lost`: it doubles from a second to a minute. `refused`: the tracker
 * said no, and is asked again rarely. `restarting`: it closed on purpose (1001, 1012) and others come back too.
 */
export function retryDelayMs(
  why: 'lost' | 'refused' | 'restarting',
  failures: number,
  random: number,
): number {
  switch (why) {
    case 'lost':
      return Math.min(60_000, 1_000 * 2 ** Math.min(failures, 10)) * (0.5 + random)
    case 'refused':
      return 120_000 * (0.5 + random)
    case 'restarting':
      return 500 + 4_500 * random + (failures > 0 ? 1_000 * 2 ** Math.min(failures, 6) : 0)
  }
}
