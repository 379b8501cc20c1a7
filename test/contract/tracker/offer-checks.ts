import { type Check, check, same, truth } from './trial.ts'
import type { Message, Viewer } from './viewer.ts'

/** Everything that may stand in an offer on its way to a client that speaks plain WebTorrent. */
const relayed = (hash: string, from: string, offerId: string, sdp: string): Message => ({
  action: 'announce',
  info_hash: hash,
  peer_id: from,
  offer: { type: 'offer', sdp },
  offer_id: offerId,
})

/** Characters from one to another, as an id of 20. */
const bytes = (from: number) => String.fromCharCode(...Array.from({ length: 20 }, (_, i) => from + i))

const carries = (name: string, swarm: string, peer: string, offer: string, sdp: string) =>
  check(name, async t => {
    const unique = (id: string) => t.id('').slice(0, 6) + id.slice(6)
    const [hash, from, offerId] = [swarm, peer, offer].map(unique) as [string, string, string]
    const receiver = await t.viewer()
    receiver.say(t.announce('r', { info_hash: hash }))
    same((await receiver.response())['info_hash'], hash, 'info_hash')
    const offerer = await t.viewer()
    const offers = [{ offer: { type: 'offer', sdp }, offer_id: offerId }]
    offerer.say(t.announce('x', { info_hash: hash, peer_id: from, offers }))
    same(await receiver.offer(), relayed(hash, from, offerId, sdp), 'offer')
  })

async function settled(viewers: readonly Viewer[]): Promise<readonly (readonly Message[])[]> {
  for (const viewer of viewers) await viewer.settle()
  return viewers.map(viewer => viewer.heard())
}

/** Offers: who gets them, and what is in them. */
export const offerChecks: readonly Check[] = [
  carries(
    'an offer arrives with exactly the fields of the protocol',
    's'.repeat(20),
    'p'.repeat(20),
    'o'.repeat(20),
    'v=0\r\n',
  ),
  carries('ids of U+0080 to U+00FF arrive as they are', bytes(0x80), bytes(0xc0), bytes(0xec), 'v=0'),
  carries(
    'ids of control characters, quotes and backslashes arrive as they are',
    bytes(0),
    bytes(0x16),
    `""\\\\"${bytes(0x50).slice(5)}`,
    'v=0',
  ),
  carries(
    'a description arrives to the letter',
    's'.repeat(20),
    'p'.repeat(20),
    'o'.repeat(20),
    'a="\\"\r\n\t\u0001 ü 漢 \u{1f600} </script>',
  ),
  carries(
    'a description of 16,000 characters arrives',
    's'.repeat(20),
    'p'.repeat(20),
    'o'.repeat(20),
    'v=0\r\n'.repeat(3_200),
  ),
  check('five complete offers in one announce arrive', async t => {
    const receivers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(name => t.joined(name)))
    const offers = t
      .offers('1', '2', '3', '4', '5')
      .map(item => ({ ...item, offer: { type: 'offer', sdp: 'x'.repeat(2_500) } }))
    await t.joined('o', { offers })
    const got = await Promise.all(receivers.map(receiver => receiver.offer()))
    same(new Set(got.map(offer => offer['offer_id'])).size, 5, 'different offers')
  }),
  check('an offer never comes back to its sender', async t => {
    const viewer = await t.joined('a', { offers: t.offers('x', 'y') })
    await viewer.settle()
    same(viewer.heard(), [], 'heard')
  }),
  check('each receiver gets one offer of an announce', async t => {
    const receivers = [await t.joined('a'), await t.joined('b')]
    await t.joined('o', { offers: t.offers('1', '2', '3', '4', '5') })
    same(
      (await settled(receivers)).map(heard => heard.length),
      [1, 1],
      'offers',
    )
  }),
  check('numwant below the number of offers bounds them', async t => {
    const receivers = [await t.joined('a'), await t.joined('b'), await t.joined('c')]
    await t.joined('o', { numwant: 1, offers: t.offers('1', '2', '3') })
    same((await settled(receivers)).flat().length, 1, 'offers')
  }),
  check('numwant 0 sends no offer', async t => {
    const receiver = await t.joined('a')
    await t.joined('o', { numwant: 0, offers: t.offers('1') })
    same((await settled([receiver])).flat().length, 0, 'offers')
  }),
  check('numwant above the number of offers sends them all', async t => {
    const receivers = [await t.joined('a'), await t.joined('b'), await t.joined('c')]
    await t.joined('o', { numwant: 50, offers: t.offers('1', '2') })
    same((await settled(receivers)).flat().length, 2, 'offers')
  }),
  check('offers stay in their swarm', async t => {
    const stranger = await t.viewer()
    stranger.say(t.announce('a', { info_hash: t.id('other') }))
    await stranger.response()
    await t.joined('o', { offers: t.offers('1') })
    same((await settled([stranger])).flat().length, 0, 'offers')
  }),
  check('whoever has stopped gets no offer', async t => {
    const gone = await t.joined('a')
    gone.say(t.announce('a', { event: 'stopped' }))
    await gone.settle()
    gone.heard()
    await t.joined('o', { offers: t.offers('1') })
    same((await settled([gone])).flat().length, 0, 'offers')
  }),
  check('a pair just matched is not matched again while there are others', async t => {
    const a = await t.joined('a')
    const offerer = await t.joined('o', { offers: t.offers('1') })
    await a.offer()
    const b = await t.joined('b')
    for (const name of ['2', '3']) {
      offerer.say(t.announce('o', { offers: t.offers(name) }))
      await offerer.response()
    }
    same(
      (await settled([a, b])).map(heard => heard.length),
      [0, 1],
      'offers to the old and the new partner',
    )
  }),
  check('most offers go to viewers behind the same address, at least one elsewhere', async t => {
    const [near, far]: [Viewer[], Viewer[]] = [[], []]
    for (let i = 0; i < 8; i++) {
      near.push(await t.joined(`n${i}`))
      far.push(await t.joined(`f${i}`, {}, `192.0.2.${10 + i}`))
    }
    await t.joined('o', { offers: t.offers('1', '2', '3', '4', '5') })
    const [atHome, outside] = [(await settled(near)).flat().length, (await settled(far)).flat().length]
    same([atHome, outside], [4, 1], 'offers at home and outside')
  }),
  check('foreign fields of an announce and its offers reach nobody', async t => {
    const receiver = await t.joined('r')
    const foreign = { interval: 1, 'failure reason': 'die', 'tracker id': 'evil', 'warning message': 'x' }
    const offers = [{ ...foreign, offer: { ...foreign, type: 'offer', sdp: 's' }, offer_id: t.id('1') }]
    const offerer = await t.viewer()
    offerer.say(t.announce('o', { ...foreign, nearcast: { level: 'site' }, offers }))
    same(await receiver.offer(), relayed(t.hash, t.id('o'), t.id('1'), 's'), 'offer')
  }),
  check('an offer does not pass as one of another type', async t => {
    const receiver = await t.joined('r')
    const offerer = await t.viewer()
    offerer.say(t.announce('o', { offers: [{ offer: { type: 'answer', sdp: 's' }, offer_id: t.id('1') }] }))
    await offerer.settle()
    same((await settled([receiver])).flat().length, 0, 'offers')
  }),
  check('a swarm of forty is one piece after each made one announce', async t => {
    const members = new Map<string, Viewer>()
    const piece = new Map<string, string>()
    const root = (id: string): string => (piece.get(id) === id ? id : root(piece.get(id) ?? id))
    for (let i = 0; i < 40; i++) {
      const name = `m${i}`
      piece.set(t.id(name), t.id(name))
      const offers = t.offers(...['a', 'b', 'c', 'd', 'e'].map(letter => `${name}${letter}`))
      members.set(t.id(name), await t.joined(name, { offers }, `192.0.2.${i % 5}`))
    }
    for (const [id, member] of members) {
      await member.settle()
      for (const { peer_id } of member.heard())
        if (typeof peer_id === 'string') piece.set(root(id), root(peer_id))
    }
    const roots = new Set([...members.keys()].map(root))
    truth(roots.size === 1, `${roots.size} pieces`)
  }),
]
