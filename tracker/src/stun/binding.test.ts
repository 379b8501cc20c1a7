import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerBinding } from './binding.ts'
import { createSourceLimit } from './source-limit.ts'

/** RFC 5769 §2.1's header and transaction id, as a bare binding request. */
const bare = Uint8Array.from([
  0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
])
const v4 = { bytes: [192, 0, 2, 1], port: 32_853 }
const v6 = {
  bytes: [0x20, 1, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77],
  port: 32_853,
}
const hex = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString('hex')
const withAttribute = (...attribute: number[]) => {
  const message = Uint8Array.from([...bare, ...attribute])
  message[3] = attribute.length
  return message
}

describe('a binding request', () => {
  test('is answered with the source address, as in RFC 5769’s vectors', () => {
    // §2.2: XOR-MAPPED-ADDRESS of 192.0.2.1:32853 under the same transaction id.
    expect(hex(answerBinding(bare, v4))).toBe(`0101000c${hex(bare.subarray(4))}002000080001a147e112a643`)
    // §2.3: the same for 2001:db8:1234:5678:11:2233:4455:6677.
    expect(hex(answerBinding(bare, v6))).toBe(
      `01010018${hex(bare.subarray(4))}002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9`,
    )
  })

  test('with a fingerprint is checked and answered with one', () => {
    // Length 8, then the CRC-32 of the first 20 bytes XOR 0x5354554e.
    const request = withAttribute(0x80, 0x28, 0, 4, 0, 0, 0, 0)
    expect(answerBinding(request, v4)).toBeNull()
    const answer = answerBinding(sealed(request), v4)
    expect(answer?.length).toBe(40)
    expect(sealed(answer as Uint8Array)).toEqual(answer)
  })

  test('with attributes we may ignore is answered, with others refused by 420', () => {
    const software = [0x80, 0x22, 0, 3, 0x61, 0x62, 0x63, 0]
    expect(hex(answerBinding(withAttribute(...software), v4)).slice(0, 4)).toBe('0101')
    const refused = answerBinding(withAttribute(0x00, 0x03, 0, 4, 0, 0, 0, 6), v4)
    expect(hex(refused)).toBe(`01110010${hex(bare.subarray(4))}0009000400000414000a000200030000`)
  })

  test.each([
    ['too short', bare.subarray(0, 19)],
    ['wrong length', Uint8Array.from([...bare, 0, 0, 0, 0])],
    ['no cookie', Uint8Array.from(bare, (byte, i) => (i === 4 ? 0 : byte))],
    ['an indication', Uint8Array.from(bare, (byte, i) => (i === 1 ? 0x11 : byte))],
    ['a response', Uint8Array.from(bare, (byte, i) => (i === 0 ? 1 : byte))],
    ['an attribute beyond the end', withAttribute(0x80, 0x22, 0, 9, 0, 0, 0, 0)],
    ['huge', Uint8Array.from({ length: 1_500 }, (_, i) => bare[i] ?? 0)],
  ])('%s gets no answer', (_, datagram) => {
    expect(answerBinding(datagram, v4)).toBeNull()
  })

  test('no datagram makes it throw, and no answer is longer than 56 bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    const request = fc.uint8Array({ maxLength: 120 }).map(body => {
      const even = body.subarray(0, body.length & ~3)
      return withAttribute(...even)
    })
    fc.assert(
      fc.property(fc.oneof(bytes, request), datagram => {
        expect(answerBinding(datagram, v6)?.length ?? 0).toBeLessThanOrEqual(56)
      }),
      { seed: 5, numRuns: 3_000 },
    )
  })
})

test('one source is answered so often and no more, others are not touched, and memory is bounded', () => {
  const limit = createSourceLimit({ perSecond: 10, burst: 5, sources: 2 })
  const answers = (source: string, now: number) =>
    Array.from({ length: 10 }, () => limit.allows(source, now)).filter(Boolean).length
  expect(answers('a', 0)).toBe(5)
  expect(answers('b', 0)).toBe(5)
  expect(answers('a', 300)).toBe(3)
  expect(answers('c', 300)).toBe(5)
})

test('forged sources, new ones each time, get no more than the world’s share', () => {
  const limit = createSourceLimit({ worldPerSecond: 100 })
  const answers = (now: number) =>
    Array.from({ length: 1_000 }, (_, i) => limit.allows(`${now} ${i}`, now)).filter(Boolean).length
  expect(answers(0)).toBe(200)
  expect(answers(500)).toBe(50)
})

/** Writes the right fingerprint into a message that ends with one; an own CRC-32, so that the test is no mirror. */
function sealed(message: Uint8Array): Uint8Array {
  let crc = 0xffff_ffff
  for (const byte of message.subarray(0, message.length - 8)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1
  }
  const out = message.slice()
  new DataView(out.buffer).setUint32(out.length - 4, ((crc ^ 0xffff_ffff) >>> 0) ^ 0x5354_554e)
  return out
}
