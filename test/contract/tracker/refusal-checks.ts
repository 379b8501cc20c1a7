import { type Check, check, same, type Trial, truth } from './trial.ts'

const refused = (name: string, message: (t: Trial) => unknown) =>
  check(name, async t => {
    const witness = await t.joined('w')
    const viewer = await t.viewer()
    viewer.say(message(t))
    await t.expectRefusal(viewer)
    await witness.settle()
    same(witness.heard(), [], 'heard by a witness')
    await t.expectCounts(0, 1)
  })

/** Refusals that the reference client survives: with action and info_hash, or by closing with 1008. */
export const refusalChecks: readonly Check[] = [
  refused('an info_hash of 19 characters', t => t.announce('a', { info_hash: 'a'.repeat(19) })),
  refused('an info_hash of 21 characters', t => t.announce('a', { info_hash: 'a'.repeat(21) })),
  refused('an info_hash that is a number', t => t.announce('a', { info_hash: 7 })),
  refused('an info_hash with characters above U+00FF', t => t.announce('a', { info_hash: '漢'.repeat(20) })),
  refused('a peer_id of 19 characters', t => t.announce('a', { peer_id: 'a'.repeat(19) })),
  refused('a peer_id with characters above U+00FF', t =>
    t.announce('a', { peer_id: '\u{1f600}'.repeat(10) }),
  ),
  refused('no peer_id', t => t.announce('a', { peer_id: undefined })),
  refused('an action that nobody knows', t => t.announce('a', { action: 'explode' })),
  refused('no action', t => t.announce('a', { action: undefined })),
  refused('offers that are no array', t => t.announce('a', { offers: 5 })),
  refused('offers with something else than offers', t => t.announce('a', { offers: [[]] })),
  refused('an offer_id of 19 characters', t =>
    t.announce('a', { offers: [{ offer: { type: 'offer', sdp: 's' }, offer_id: 'o'.repeat(19) }] }),
  ),
  refused('an offer without description', t =>
    t.announce('a', { offers: [{ offer: { type: 'offer' }, offer_id: t.id('o') }] }),
  ),
  refused('eleven offers', t =>
    t.announce('a', { numwant: 20, offers: t.offers(...Array.from({ length: 11 }, (_, i) => `o${i}`)) }),
  ),
  refused('a to_peer_id of 19 characters', t => t.answer('a', 'b', 'x', { to_peer_id: 'b'.repeat(19) })),
  refused('an answer without description', t => t.answer('a', 'b', 'x', { answer: { type: 'answer' } })),
  refused('an answer by whoever has not announced', t => t.answer('a', 'w', 'x')),
  check('thirty-three swarms on one socket are one too many', async t => {
    const viewer = await t.viewer()
    for (let i = 0; i < 33; i++) viewer.say(t.announce('a', { info_hash: i === 32 ? t.hash : t.id(`s${i}`) }))
    await t.expectRefusal(viewer)
    truth(viewer.isOpen, 'the socket was closed')
  }),
  check('a refused message leaves the socket’s peers where they are', async t => {
    const viewer = await t.joined('a')
    viewer.say(t.announce('a', { event: 'exploded' }))
    await t.expectRefusal(viewer)
    await t.expectCounts(0, 1)
  }),
]
