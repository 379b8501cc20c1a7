/** Where progress goes: a terminal shows one line that lives, anything else a line now and then. */
export interface Progress {
  /** The state now; shown as often as suits the output. */
  show(line: string): void
  /** Something that must not be overwritten. */
  note(line: string): void
  /** The state at the end. */
  close(line: string): void
}

export interface ProgressOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Lines of a log: often enough to see that it runs. */
const logEveryMs = 10_000

/** @param now ms of a monotonic clock */
export function createProgress(output: ProgressOutput, now: () => number): Progress {
  return output.isTTY ? liveLine(output) : logLines(output, now)
}

const clearLine = '\r\u001b[K'

function liveLine(output: ProgressOutput): Progress {
  let shown = ''
  return {
    show(line) {
      // A line that wraps could not be taken back.
      shown = line.slice(0, Math.max(10, (output.columns ?? 80) - 1))
      output.write(clearLine + shown)
    },
    note(line) {
      output.write(`${clearLine}${line}\n${shown}`)
    },
    close(line) {
      shown = ''
      output.write(`${clearLine}${line}\n`)
    },
  }
}

function logLines(output: ProgressOutput, now: () => number): Progress {
  let shownAt = Number.NEGATIVE_INFINITY
  return {
    show(line) {
      if (now() - shownAt < logEveryMs) return
      shownAt = now()
      output.write(`${line}\n`)
    },
    note(line) {
      output.write(`${line}\n`)
    },
    close(line) {
      output.write(`${line}\n`)
    },
  }
}
