import { blockBytes } from '../messages.ts'

/** Who wrote a run of bytes last. */
interface Stroke {
  readonly from: number
  readonly to: number
  readonly source: string
  readonly etag: string
}

let writings = 0

/** A host's memory of one segment, as the core's `accept`s paint it: an independent book to hold the core against. */
export class Coverage {
  #strokes: Stroke[] = []
  /** Block → its last writing; a proof holds for the writing it saw. */
  readonly #writings = new Map<number, number>()
  readonly #proven = new Map<number, number>()

  paint(from: number, to: number, source: string, etag: string): void {
    const kept: Stroke[] = []
    for (const stroke of this.#strokes) {
      if (stroke.from < from) kept.push({ ...stroke, to: Math.min(stroke.to, from) })
      if (stroke.to > to) kept.push({ ...stroke, from: Math.max(stroke.from, to) })
    }
    kept.push({ from, to, source, etag })
    this.#strokes = kept.filter(stroke => stroke.from < stroke.to)
    for (let index = Math.floor(from / blockBytes); index * blockBytes < to; index++) {
      this.#writings.set(index, ++writings)
    }
  }

  get isBlank(): boolean {
    return this.#writings.size === 0
  }

  /** A block whose bytes were wrong. */
  erase(index: number): void {
    const from = index * blockBytes
    this.paint(from, from + blockBytes, '', '')
    this.#strokes = this.#strokes.filter(stroke => stroke.source !== '')
  }

  writingOf(index: number): number {
    return this.#writings.get(index) ?? 0
  }

  prove(index: number, writing: number): void {
    if (writing === this.writingOf(index)) this.#proven.set(index, writing)
  }

  isProven(index: number): boolean {
    return this.#proven.get(index) === this.writingOf(index) && this.writingOf(index) > 0
  }

  isCovered(from: number, to: number): boolean {
    let at = from
    for (const stroke of [...this.#strokes].sort((a, b) => a.from - b.from)) {
      if (stroke.from <= at && stroke.to > at) at = stroke.to
    }
    return at >= to
  }

  /** Source → its validators, of the bytes `[from, to)`. */
  sources(from: number, to: number): Map<string, Set<string>> {
    const found = new Map<string, Set<string>>()
    for (const stroke of this.#strokes) {
      if (stroke.to <= from || stroke.from >= to) continue
      const etags = found.get(stroke.source) ?? new Set()
      found.set(stroke.source, etags.add(stroke.etag))
    }
    return found
  }
}
