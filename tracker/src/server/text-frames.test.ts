import type { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import * as ws from 'ws'
import { TextFrames } from './text-frames.ts'

/** The package exports it, its types do not say so. */
const { Receiver } = ws as unknown as {
  readonly Receiver: new (options: { readonly isServer: boolean }) => Writable
}

/** What a client of the `ws` package reads out of these bytes. */
function read(frames: Buffer): Promise<string[]> {
  const texts: string[] = []
  const receiver = new Receiver({ isServer: false })
  receiver.on('message', (data: Buffer, isBinary: boolean) =>
    texts.push(`${isBinary ? 'binary' : 'text'}:${data}`),
  )
  return new Promise((resolve, reject) => {
    receiver.on('error', reject)
    receiver.end(frames, () => resolve(texts))
  })
}

test('frames of every length class arrive as they were written, one after the other', async () => {
  const texts = [
    '',
    'a',
    'x'.repeat(125),
    'x'.repeat(126),
    'ü'.repeat(63),
    'x'.repeat(65_535),
    'x'.repeat(65_536),
  ]
  const odd = ['\u0000\u0080\u00ff', '漢\u{1f600}', '{"a":"\\u0000"}']
  const all = [...texts, ...odd]
  expect(await read(new TextFrames().write(all))).toEqual(all.map(text => `text:${text}`))
})

test('what is kept is not written over', () => {
  const frames = new TextFrames()
  const first = frames.write(['first'])
  frames.keep(first)
  frames.write(['other'])
  expect(first.toString('latin1')).toBe('\x81\x05first')
  const huge = 'x'.repeat(200_000)
  const large = frames.write([huge])
  frames.write(['small'])
  expect(large.toString('latin1').endsWith(huge)).toBe(true)
})
