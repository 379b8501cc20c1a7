import { type Check, check, same, type Trial, truth } from './trial.ts'
import type { Message, Viewer } from './viewer.ts'

/** What our own clients say of themselves. */
const ours = (fields: Message = {}) => ({
  nearcast: {
    v: 1,
    mode: 'share',
    neighbours: { have: 0, want: 8 },
    caps: ['directed', 'trickle'],
    ...fields,
  },
})

const extrasOf = (message: Message) => (message['nearcast'] ?? {}) as Message

/** `a` and `b` of one address, both ours, both told of each other. */
async function neighbours(t: Trial): Promise<{ readonly a: Viewer; readonly b: Viewer }> {
  const a = await t.joined('a', ours())
  const b = await t.joined('b', ours())
  await a.settle()
  a.heard()
  return { a, b }
}

const directed = (t: Trial, from: string, to: string, fields: Message): Message => ({
  action: 'announce',
  info_hash: t.hash,
  peer_id: t.id(from),
  to_peer_id: t.id(to),
  offer_id: t.id('x'),
  ...fields,
})

const description = { offer: { type: 'offer', sdp: 's' } }

/** Our fields: for clients that speak them, on messages that others understand. */
export const extrasChecks: readonly Check[] = [
  check('a standard client hears nothing but the protocol', async t => {
    const viewer = await t.viewer()
    viewer.say(t.announce('a'))
    const known = ['action', 'info_hash', 'interval', 'complete', 'incomplete', 'tracker id', 'min interval']
    same(
      Object.keys(await viewer.response()).filter(key => !known.includes(key)),
      [],
      'fields',
    )
    await t.joined('b', { ...ours(), offers: t.offers('x') })
    await viewer.offer()
    await viewer.settle()
    same(viewer.heard(), [], 'heard besides')
  }),
  check('our client learns its group and its policy', async t => {
    const viewer = await t.viewer()
    viewer.say(t.announce('a', ours()))
    const { group, policy } = extrasOf(await viewer.response()) as Record<string, Message>
    same([group?.['level'], group?.['size']], ['address', 1], 'group')
    same(policy?.['mode'], 'share', 'mode')
  }),
  check('a group’s label holds no address and differs between swarms', async t => {
    const labels = []
    for (const hash of [t.hash, t.id('other')]) {
      const viewer = await t.viewer()
      viewer.say(t.announce('a', { ...ours(), info_hash: hash }))
      const response = await viewer.response()
      truth(!JSON.stringify(response).includes('198.51.100'), 'an address was told')
      labels.push((extrasOf(response) as Record<string, Message>)['group']?.['label'])
    }
    truth(typeof labels[0] === 'string' && labels[0] !== labels[1], `labels ${labels}`)
  }),
  check('our client is told its neighbours by name', async t => {
    await t.joined('a', ours())
    const viewer = await t.viewer()
    viewer.say(t.announce('b', ours()))
    const { neighbours: named } = extrasOf(await viewer.response())
    same(named, [{ peer_id: t.id('a'), level: 'address' }], 'neighbours')
  }),
  check('growth of a small group is news to its members', async t => {
    const a = await t.joined('a', ours())
    await t.joined('b', ours())
    const news = await a.next('news', message => extrasOf(message)['group'] !== undefined)
    same([news['action'], news['info_hash']], ['announce', t.hash], 'head of the news')
    same((extrasOf(news)['group'] as Message)['size'], 2, 'size')
  }),
  check('an offer goes to the neighbour it names', async t => {
    const { a, b } = await neighbours(t)
    b.say(directed(t, 'b', 'a', description))
    const offer = await a.offer()
    same([offer['peer_id'], offer['offer_id']], [t.id('b'), t.id('x')], 'offer')
    same(extrasOf(offer)['trickle'], true, 'trickle')
  }),
  check('an offer to somebody who was not named is dropped', async t => {
    const viewer = await t.joined('a', ours({ neighbours: { have: 0, want: 0 } }))
    const stranger = await t.joined('b', ours({ neighbours: { have: 0, want: 0 } }), '192.0.2.9')
    stranger.say(directed(t, 'b', 'a', description))
    await stranger.settle()
    await viewer.settle()
    same(
      viewer.heard().filter(message => message['offer'] !== undefined),
      [],
      'offers',
    )
  }),
  check('candidates follow an offer in both directions', async t => {
    const { a, b } = await neighbours(t)
    b.say(directed(t, 'b', 'a', description))
    await a.offer()
    const candidate = (name: string) => [
      JSON.stringify({ candidate: `candidate:1 1 udp 2122260223 ${name}.local 50000 typ host`, sdpMid: '0' }),
    ]
    b.say(directed(t, 'b', 'a', { nearcast: { candidates: candidate('b') } }))
    a.say(directed(t, 'a', 'b', { nearcast: { candidates: candidate('a') } }))
    const isCandidates = (message: Message) => extrasOf(message)['candidates'] !== undefined
    same(extrasOf(await a.next('candidates', isCandidates))['candidates'], candidate('b'), 'candidates')
    same(extrasOf(await b.next('candidates', isCandidates))['candidates'], candidate('a'), 'candidates')
  }),
  check('candidates without an offer are dropped', async t => {
    const { a, b } = await neighbours(t)
    b.say(directed(t, 'b', 'a', { nearcast: { candidates: ['{}'] } }))
    await b.settle()
    await a.settle()
    same(
      a.heard().filter(message => extrasOf(message)['candidates'] !== undefined),
      [],
      'candidates',
    )
  }),
  check('nonsense in our fields makes a client of ours all the same', async t => {
    const viewer = await t.viewer()
    viewer.say(t.announce('a', { nearcast: { v: 'x', mode: 7, neighbours: [], outcomes: 'no', caps: null } }))
    truth(extrasOf(await viewer.response())['group'] !== undefined, 'no group')
  }),
  check('whoever is off is nobody’s partner', async t => {
    const off = await t.joined('a', ours({ mode: 'off' }))
    await t.joined('b', { offers: t.offers('x') })
    await off.settle()
    same(
      off.heard().filter(message => message['offer'] !== undefined),
      [],
      'offers',
    )
  }),
]
