/** Bandwidth while something loads; idle time does not count. p2p-media-loader judges peers and HTTP by it. */
export interface Meter {
  begin(now: number): void
  add(now: number, bytes: number): void
  end(now: number): void
  /** Bytes a second over the last `windowMs`; 0 when nothing was measured. */
  bps(now: number, windowMs: number): number
  clear(): void
}

/** The longest window anybody asks for. */
const memoryMs = 30_000

interface Sample {
  readonly at: number
  readonly bytes: number
  /** Loading time since the sample before. */
  readonly spentMs: number
}

export function createMeter(): Meter {
  const samples: Sample[] = []
  let running = 0
  let markedAt = 0

  const mark = (now: number, bytes: number): void => {
    if (running > 0) samples.push({ at: now, bytes, spentMs: now - markedAt })
    markedAt = now
    while (samples[0] !== undefined && samples[0].at < now - memoryMs) samples.shift()
  }

  return {
    begin(now) {
      mark(now, 0)
      running++
    },
    add: mark,
    end(now) {
      mark(now, 0)
      running--
    },
    bps(now, windowMs) {
      let bytes = 0
      let spentMs = 0
      for (const sample of samples) {
        if (sample.at < now - windowMs) continue
        bytes += sample.bytes
        spentMs += sample.spentMs
      }
      return spentMs > 0 ? (bytes * 1000) / spentMs : 0
    },
    clear() {
      samples.length = 0
    },
  }
}
