import fc from 'fast-check'
import { expect, test } from 'vitest'
import { descriptionTexts } from './description-text.ts'
import { parseClientText } from './parse-client.ts'

const idOf = (name: string) => name.padEnd(20, '.')
const head = { action: 'announce', info_hash: idOf('film{["\\'), peer_id: idOf('p\\"') }
const offer = (sdp: string, id: string) => ({ offer: { type: 'offer', sdp }, offer_id: idOf(id) })

test('finds the descriptions of what clients write, as they came', () => {
  const sdps = ['v=0\r\n', 'with "quotes" and \\', 'ü\u0001']
  const announce = {
    ...head,
    numwant: 3,
    left: null,
    offers: sdps.map(sdp => offer(sdp, 'o"')),
    event: 'started',
  }
  expect(descriptionTexts(JSON.stringify(announce), 'announce')).toEqual(sdps.map(sdp => JSON.stringify(sdp)))
  const answer = {
    ...head,
    to_peer_id: idOf('x'),
    answer: { type: 'answer', sdp: 'a\\\\' },
    offer_id: idOf('o'),
  }
  expect(descriptionTexts(JSON.stringify(answer), 'answer')).toEqual([JSON.stringify('a\\\\')])
  // Escaped by the client, though it need not be: passed on as it came.
  const escaped = JSON.stringify(answer).replace('a\\', '\\u0061\\')
  expect(descriptionTexts(escaped, 'answer')).toEqual([String.raw`"\u0061\\\\"`])
})

test.each([
  ['white space', JSON.stringify({ ...head, offers: [offer('x', 'o')] }, null, 1)],
  [
    'another order',
    JSON.stringify({ ...head, offers: [{ offer_id: idOf('o'), offer: { sdp: 'x', type: 'offer' } }] }),
  ],
  [
    'foreign members',
    JSON.stringify({ ...head, x: { offers: [offer('y', 'o')] }, offers: [offer('x', 'o')] }),
  ],
  ['our own members', JSON.stringify({ ...head, offers: [offer('x', 'o')], nearcast: { v: 1 } })],
  ['nothing', '{}'],
])('leaves %s to the parser', (_, text) => {
  expect(descriptionTexts(text, 'announce')).toBeNull()
})

/** JSON text whose members are spelled in odd ways, repeated and nested, so that a careless reader takes the wrong one. */
const spelled = (name: string) =>
  fc.oneof(
    { weight: 20, arbitrary: fc.constant(`"${name}"`) },
    fc.constant(`"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"`),
  )
const string = fc.oneof(
  fc.constantFrom(
    '""',
    '"x"',
    '"\\\\"',
    '"\\""',
    '"\\\\\\""',
    '"},{"',
    '"]}"',
    '"\\"sdp\\":\\"y"',
    '"y\\r\\n"',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }).map(text => JSON.stringify(text)),
)
const id = fc.constantFrom(...['o', 'q"', '\\', '{['].map(name => JSON.stringify(idOf(name))))
const separator = fc.oneof({ weight: 20, arbitrary: fc.constant(':') }, fc.constant(': '))
const member = (name: string, value: fc.Arbitrary<string>) =>
  fc.tuple(spelled(name), separator, value).map(parts => parts.join(''))
const object = (...members: fc.Arbitrary<string>[]) => fc.tuple(...members).map(texts => `{${texts.join()}}`)
const description = (type: string) =>
  fc.oneof(
    { weight: 6, arbitrary: object(member('type', fc.constant(`"${type}"`)), member('sdp', string)) },
    object(member('type', fc.constant(`"${type}"`)), member('sdp', string), member('sdp', string)),
  )
const offers = fc
  .array(object(member('offer', description('offer')), member('offer_id', id)), { maxLength: 3 })
  .map(items => `[${items.join()}]`)
const top = fc.oneof(
  { weight: 4, arbitrary: member('offers', offers) },
  member('offers', fc.constant('null')),
  member('answer', description('answer')),
  member('offer', description('offer')),
  member('left', fc.constantFrom('0', 'null', '1e3', '-1')),
  member('event', fc.constantFrom('"started"', '""')),
  member('x', fc.oneof(string, offers)),
)
const ends = ['"to_peer_id":"x..................."', '"offer_id":"o..................."']
const message = fc
  .tuple(fc.array(top, { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([members, directed]) => {
    const start = [JSON.stringify(head).slice(1, -1), ...(directed ? ends : [])]
    return `{${[...start, ...members].join()}}`
  })

test('a text stands for exactly what the parser read, however the message is put together', () => {
  let found = 0
  fc.assert(
    fc.property(message, text => {
      const parsed = parseClientText(text)
      if (!parsed.ok) return
      const described =
        parsed.message.type === 'announce'
          ? parsed.message.offers
          : parsed.message.type === 'answer' || parsed.message.type === 'offer'
            ? [parsed.message]
            : []
      for (const { sdp, sdpJson } of described) {
        if (sdpJson === undefined) continue
        found++
        expect(JSON.parse(sdpJson)).toBe(sdp)
      }
    }),
    { seed: 4, numRuns: 20_000 },
  )
  expect(found).toBeGreaterThan(1_000)
})
