import { assert, constantFrom, json, jsonValue, oneof, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLater, type NodeMessage, type Traits } from './node-message.ts'
import { batchLimits, parseBatch, parseNodeMessage } from './parse-batch.ts'
import { writeBatch, writeNodeMessage } from './write-batch.ts'

const id = (n: number) => String.fromCharCode(n).repeat(20)
const traits: Traits = {
  peerId: id(0xff),
  near: [null, 'site-key', 'address-key', 'prefix-key', null, null],
  mode: 'share',
  wan: 'allow',
  speaks: 'directed',
}
const sdpJson = JSON.stringify('v=0\r\n"quoted" \\ ü')
const messages: readonly NodeMessage[] = [
  {
    type: 'ask',
    id: 7,
    infoHash: id(1),
    origin: traits,
    want: 3,
    group: 'g:01:key',
    fetchers: false,
    offers: [{ offerId: id(2), sdpJson }],
  },
  { type: 'ask', id: 8, infoHash: id(1), origin: traits, want: 3, group: null, fetchers: true, offers: [] },
  {
    type: 'reply',
    id: 7,
    infoHash: id(1),
    to: id(3),
    found: [
      { traits, offerId: id(2) },
      { traits, offerId: null },
    ],
  },
  {
    type: 'signal',
    infoHash: id(1),
    from: id(3),
    to: id(4),
    offerId: id(5),
    signal: { type: 'offer', sdpJson },
  },
  {
    type: 'signal',
    infoHash: id(1),
    from: id(3),
    to: id(4),
    offerId: id(5),
    signal: { type: 'answer', sdpJson },
  },
  {
    type: 'signal',
    infoHash: id(1),
    from: id(3),
    to: id(4),
    offerId: id(5),
    signal: { type: 'candidates', candidates: ['{"candidate":""}'] },
  },
  { type: 'count', row: 's:01', value: '3 4' },
  { type: 'count', row: 's:01', value: null },
  { type: 'claim', infoHash: id(1), peerId: id(2), address: 'key', proven: true },
  { type: 'held', infoHash: id(1), peerId: id(2) },
  { type: 'rules', version: 3, by: 'a~1', rules: [{ site: 'hq', policy: { mode: 'off' } }] },
  { type: 'hello', mark: 'x' },
  { type: 'bye' },
]

describe('a batch between machines', () => {
  it('is read as it was written, every kind of message', () => {
    const batch = parseBatch(writeBatch('node-1~ab', messages.map(writeNodeMessage)))
    expect(batch).toEqual({ from: 'node-1~ab', messages, malformed: 0 })
  })

  it('of another version, without a sender or too large is none', () => {
    const text = writeBatch('a', [])
    expect(parseBatch(text)).not.toBeNull()
    expect(parseBatch(text.replace('"v":1', '"v":2'))).toBeNull()
    expect(parseBatch(text.replace('"a"', '7'))).toBeNull()
    expect(parseBatch(text.replace('"a"', '"a b"'))).toBeNull()
    expect(parseBatch(`${text}${' '.repeat(batchLimits.chars)}`)).toBeNull()
    for (const bad of ['', 'null', '[]', '{}', '{"v":1}', '{"v":1,"from":"a","messages":7}'])
      expect(parseBatch(bad)).toBeNull()
  })

  it('keeps what is good when something in it is not, and counts that', () => {
    const texts = [
      'null',
      '{"type":"later"}',
      writeNodeMessage({ type: 'hello', mark: 'x' }),
      '{"type":"held","infoHash":"x"}',
    ]
    expect(parseBatch(writeBatch('a', texts))).toEqual({
      from: 'a',
      messages: [{ type: 'hello', mark: 'x' }],
      malformed: 3,
    })
  })

  it('takes no message of which any part does not fit', () => {
    const values = oneof(
      jsonValue(),
      constantFrom(null, -1, 1e99, 'x'.repeat(20_000), [], {}, 'ü'.repeat(21)),
    )
    assert(
      property(constantFrom(...messages), json(), values, (message, key, value) => {
        const written = JSON.parse(writeNodeMessage(message)) as Record<string, unknown>
        for (const name of Object.keys(written)) {
          const parsed = parseNodeMessage({ ...written, [name]: value, [key]: value })
          // Whatever is taken can be written and read again: it is one of ours.
          if (parsed !== null) expect(parseNodeMessage(JSON.parse(writeNodeMessage(parsed)))).toEqual(parsed)
        }
      }),
      { seed: 4, numRuns: 400 },
    )
  })

  it('bounds what an ask may bring and want', () => {
    const [ask] = messages
    if (ask?.type !== 'ask') return expect.unreachable()
    const [offer] = ask.offers
    if (!offer) return expect.unreachable()
    const withOffers = (count: number) => ({ ...ask, offers: Array.from({ length: count }, () => offer) })
    const read = (message: NodeMessage) => parseNodeMessage(JSON.parse(writeNodeMessage(message)))
    expect(read(withOffers(10))).not.toBeNull()
    expect(read(withOffers(11))).toBeNull()
    expect(read({ ...ask, want: 65 })).toBeNull()
    expect(read({ ...ask, offers: [{ ...offer, sdpJson: JSON.stringify('x'.repeat(16_385)) }] })).toBeNull()
    expect(read({ ...ask, origin: { ...traits, near: [null] } })).toBeNull()
  })
})

it('of two rulings the later counts, and between two of one moment all machines choose the same', () => {
  expect(isLater({ version: 2, by: 'a' }, { version: 1, by: 'z' })).toBe(true)
  expect(isLater({ version: 1, by: 'z' }, { version: 1, by: 'a' })).toBe(true)
  expect(isLater({ version: 1, by: 'a' }, { version: 1, by: 'z' })).toBe(false)
  expect(isLater({ version: 1, by: 'a' }, { version: 1, by: 'a' })).toBe(false)
})
