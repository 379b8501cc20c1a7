import { describe, expect, it } from 'vitest'
import { createProgress } from './progress.ts'

function output(isTTY: boolean) {
  const written: string[] = []
  return { written, isTTY, columns: 20, write: (text: string) => written.push(text) }
}

describe('progress', () => {
  it('is one line that lives on a terminal, cut to its width', () => {
    const terminal = output(true)
    const progress = createProgress(terminal, () => 0)
    progress.show('a'.repeat(50))
    progress.show('b')
    progress.note('look')
    progress.close('end')
    const clear = '\r\u001b[K'
    expect(terminal.written).toEqual([
      `${clear}${'a'.repeat(19)}`,
      `${clear}b`,
      `${clear}look\nb`,
      `${clear}end\n`,
    ])
  })

  it('is a line each ten seconds elsewhere', () => {
    const file = output(false)
    let now = 0
    const progress = createProgress(file, () => now)
    for (; now < 25_000; now += 500) progress.show(`at ${now}`)
    progress.note('look')
    progress.close('end')
    expect(file.written).toEqual(['at 0\n', 'at 10000\n', 'at 20000\n', 'look\n', 'end\n'])
  })
})
