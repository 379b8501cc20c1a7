import { type Check, check, same, type Trial, truth } from './trial.ts'
import type { Message, Viewer } from './viewer.ts'

interface Pair {
  readonly offerer: Viewer
  readonly receiver: Viewer
}

/** `o` has offered `x` to `r`, who has not answered yet. */
async function pair(t: Trial): Promise<Pair> {
  const receiver = await t.joined('r')
  const offerer = await t.joined('o', { offers: t.offers('x') })
  await receiver.offer()
  return { offerer, receiver }
}

/** Whatever this viewer says, the offerer hears nothing of it. */
const dropped = (name: string, act: (t: Trial, pair: Pair) => Promise<Viewer>) =>
  check(name, async t => {
    const both = await pair(t)
    const speaker = await act(t, both)
    await speaker.settle()
    await both.offerer.settle()
    same(
      both.offerer.heard().filter(message => message['answer'] !== undefined),
      [],
      'answers',
    )
  })

const relayed = (t: Trial, sdp: string): Message => ({
  action: 'announce',
  info_hash: t.hash,
  peer_id: t.id('r'),
  answer: { type: 'answer', sdp },
  offer_id: t.id('x'),
})

/** Answers: against an offer, by whom it was given to, once. */
export const answerChecks: readonly Check[] = [
  check('an answer arrives with exactly the fields of the protocol', async t => {
    const { offerer, receiver } = await pair(t)
    receiver.say(t.answer('r', 'o', 'x'))
    same(await offerer.answer(), relayed(t, 'sdp of r'), 'answer')
  }),
  check('an answer’s description arrives to the letter', async t => {
    const sdp = 'a="\\"\r\n\u0001 ü 漢 \u{1f600}'
    const { offerer, receiver } = await pair(t)
    receiver.say(t.answer('r', 'o', 'x', { answer: { type: 'answer', sdp }, trackerid: 'whatever' }))
    same(await offerer.answer(), relayed(t, sdp), 'answer')
  }),
  check('foreign fields of an answer reach nobody', async t => {
    const { offerer, receiver } = await pair(t)
    const foreign = { interval: 1, 'failure reason': 'die', 'tracker id': 'evil', offer: undefined }
    receiver.say(t.answer('r', 'o', 'x', { ...foreign, answer: { ...foreign, type: 'answer', sdp: 's' } }))
    same(await offerer.answer(), relayed(t, 's'), 'answer')
  }),
  check('an answer is not itself answered', async t => {
    const { receiver } = await pair(t)
    receiver.say(t.answer('r', 'o', 'x'))
    await receiver.settle()
    same(receiver.heard(), [], 'heard')
  }),
  check('an offer is answered once', async t => {
    const { offerer, receiver } = await pair(t)
    receiver.say(t.answer('r', 'o', 'x'))
    receiver.say(t.answer('r', 'o', 'x'))
    await receiver.settle()
    await offerer.settle()
    same(offerer.heard().length, 1, 'answers')
  }),
  dropped('an answer that nobody asked for is dropped', async (t, { receiver }) => {
    receiver.say(t.answer('r', 'o', 'never'))
    return receiver
  }),
  dropped('an answer by somebody else than was asked is dropped', async t => {
    const other = await t.joined('s')
    other.say(t.answer('s', 'o', 'x'))
    return other
  }),
  dropped('an answer in the name of who was asked, from another socket, is dropped', async t => {
    const other = await t.joined('s')
    other.say(t.answer('r', 'o', 'x'))
    return other
  }),
  dropped('an answer by somebody who never announced is dropped', async t => {
    const other = await t.viewer()
    other.say(t.answer('q', 'o', 'x'))
    return other
  }),
  dropped('an answer in another swarm is dropped', async (t, { receiver }) => {
    receiver.say(t.answer('r', 'o', 'x', { info_hash: t.id('other') }))
    return receiver
  }),
  dropped(
    'an answer does not reach whoever came back under the same name',
    async (t, { offerer, receiver }) => {
      offerer.say(t.announce('o', { event: 'stopped' }))
      offerer.say(t.announce('o'))
      await offerer.settle()
      receiver.say(t.answer('r', 'o', 'x'))
      return receiver
    },
  ),
  check('an answer to somebody who left harms nobody', async t => {
    const { offerer, receiver } = await pair(t)
    offerer.socket.close()
    await offerer.closed
    receiver.say(t.answer('r', 'o', 'x'))
    await receiver.settle()
    truth(receiver.isOpen, 'the socket was closed')
    same(receiver.heard(), [], 'heard')
  }),
  check('an answer makes nobody a member', async t => {
    await t.joined('o')
    const other = await t.viewer()
    other.say(t.answer('q', 'o', 'x'))
    await other.settle()
    await t.expectCounts(0, 1)
  }),
]
