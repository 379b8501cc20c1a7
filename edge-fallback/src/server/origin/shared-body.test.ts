import { expect, it } from 'vitest'
import { systemTimers } from '../../source/timers.ts'
import { SharedBody } from './shared-body.ts'

/** A source that gives a chunk whenever it is told to. */
function source() {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let cancelled = false
  let pulled = 0
  const stream = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
      },
      pull() {
        pulled++
      },
      cancel() {
        cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return {
    stream,
    give: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    fail: () => controller.error(new Error('upstream broke')),
    cancelled: () => cancelled,
    pulled: () => pulled,
  }
}

function share(from: ReturnType<typeof source>, limit = 1000) {
  const ends: string[] = []
  const body = new SharedBody(from.stream, limit, 60_000, systemTimers, how => ends.push(how))
  return { body, ends }
}

const text = async (stream: ReadableStream<Uint8Array>) => {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
const turn = () => new Promise(resolve => setTimeout(resolve, 5))

it('gives everyone the same bytes, early, late and from the middle', async () => {
  const up = source()
  const { body, ends } = share(up)
  const early = text(body.read(0, Number.POSITIVE_INFINITY))
  up.give('hello ')
  await turn()
  const late = text(body.read(0, Number.POSITIVE_INFINITY))
  const middle = text(body.read(3, 8))
  up.give('world')
  up.end()
  expect(await Promise.all([early, late, middle])).toEqual(['hello world', 'hello world', 'lo wo'])
  expect(await text(body.read(6, 11))).toBe('world')
  expect([ends, body.done, body.whole]).toEqual([['done'], true, true])
})

it('gives bytes on before the source has ended', async () => {
  const up = source()
  const { body } = share(up)
  const reader = body.read(0, 100).getReader()
  up.give('first')
  expect(Buffer.from((await reader.read()).value!).toString()).toBe('first')
  up.end()
})

it('breaks every reader when the source breaks, after what came', async () => {
  const up = source()
  const { body, ends } = share(up)
  const reader = body.read(0, 100).getReader()
  up.give('half')
  await turn()
  up.fail()
  expect(Buffer.from((await reader.read()).value!).toString()).toBe('half')
  await expect(reader.read()).rejects.toThrow('upstream broke')
  expect(ends).toEqual(['failed'])
})

it('lets the source go when the last reader leaves, and not before', async () => {
  const up = source()
  const { body } = share(up)
  const readers = [body.read(0, 100).getReader(), body.read(0, 100).getReader()]
  up.give('x')
  await readers[0]!.read()
  await readers[0]!.cancel()
  expect(up.cancelled()).toBe(false)
  await readers[1]!.cancel()
  expect(up.cancelled()).toBe(true)
  expect(body.whole).toBe(false)
})

it('beyond its limit waits for the slowest reader instead of growing', async () => {
  const up = source()
  const { body } = share(up, 10)
  const fast = body.read(0, 100).getReader()
  const slow = body.read(0, 100).getReader()
  up.give('0123456789ab')
  await turn()
  const pulled = up.pulled()
  await fast.read()
  await turn()
  expect([up.pulled(), body.heldBytes]).toEqual([pulled, 12])
  await slow.read()
  await turn()
  expect([up.pulled(), body.heldBytes, body.whole]).toEqual([pulled + 1, 0, false])
  await expect(text(body.read(0, 5))).rejects.toThrow('gone')
  up.give('rest')
  up.end()
  expect(Buffer.from((await slow.read()).value!).toString()).toBe('rest')
})

it('does not fetch a large body for nobody', async () => {
  const up = source()
  const { ends } = share(up, 10)
  up.give('0123456789ab')
  await turn()
  expect([up.cancelled(), ends]).toEqual([true, ['failed']])
})
