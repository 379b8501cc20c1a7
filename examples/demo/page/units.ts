/** Figures for people: three significant digits at most, the unit always said. */

export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`
  if (bytes < 1_000_000) return `${threeDigits(bytes / 1000)} kB`
  if (bytes < 1_000_000_000) return `${threeDigits(bytes / 1_000_000)} MB`
  return `${threeDigits(bytes / 1_000_000_000)} GB`
}

/** Bits a second, as line rates are quoted. */
export function rateText(bytesPerSecond: number): string {
  const kbps = (bytesPerSecond * 8) / 1000
  if (kbps < 1) return '0'
  return kbps < 1000 ? `${threeDigits(kbps)} kbit/s` : `${threeDigits(kbps / 1000)} Mbit/s`
}

export function percentText(share: number): string {
  const percent = share * 100
  return `${percent > 99 && percent < 100 ? percent.toFixed(1) : Math.round(percent)} %`
}

export function secondsText(seconds: number): string {
  return `${seconds.toFixed(1)} s`
}

function threeDigits(value: number): string {
  return value >= 99.95 ? String(Math.round(value)) : value.toFixed(value >= 9.995 ? 1 : 2)
}
