/** Figures for people. A dash where nothing is known. */

export const unknown = '–'

export function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** Two digits after the point: 1.05 is the target. */
export function copies(value: number | null): string {
  return value === null ? unknown : value.toFixed(2)
}

export function percent(share: number | null, digits = 0): string {
  return share === null ? unknown : `${(100 * share).toFixed(digits)} %`
}

export function seconds(ms: number | null, digits = 1): string {
  return ms === null ? unknown : `${(ms / 1_000).toFixed(digits)} s`
}

export function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let scaled = Math.max(0, value)
  let unit = 0
  while (scaled >= 1_000 && unit < units.length - 1) {
    scaled /= 1_000
    unit++
  }
  return `${unit === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[unit]}`
}

export function mbps(bytesPerSecond: number): number {
  return (bytesPerSecond * 8) / 1e6
}
