import { type Check, check, same, truth } from './trial.ts'

const elsewhere = '203.0.113.77'

/** Who is who: several names on one socket, one name on several sockets. */
export const identityChecks: readonly Check[] = [
  check('one socket carries several swarms, each under its own peer_id', async t => {
    const other = t.id('other')
    const viewer = await t.joined('a')
    viewer.say(t.announce('b', { info_hash: other }))
    same((await viewer.response())['info_hash'], other, 'info_hash')
    const first = await t.viewer()
    first.say(t.announce('c', { offers: t.offers('x') }))
    same((await viewer.offer())['info_hash'], t.hash, 'swarm of the first offer')
    first.say(t.announce('d', { info_hash: other, offers: t.offers('y') }))
    same((await viewer.offer())['info_hash'], other, 'swarm of the second offer')
  }),
  check('one socket carries several peer_ids of one swarm', async t => {
    const viewer = await t.joined('a')
    viewer.say(t.announce('b'))
    await viewer.response()
    await t.expectCounts(0, 2)
  }),
  check('closing a socket removes every peer_id it carried', async t => {
    const viewer = await t.joined('a')
    viewer.say(t.announce('b'))
    await viewer.response()
    viewer.socket.close()
    await viewer.closed
    await t.expectCounts(0, 0)
  }),
  check('stopping one peer_id of a socket leaves its others', async t => {
    const viewer = await t.joined('a')
    viewer.say(t.announce('b'))
    viewer.say(t.announce('a', { event: 'stopped' }))
    await viewer.settle()
    await t.expectCounts(0, 1)
  }),
  check('the same peer_id may be in two swarms', async t => {
    await t.joined('a')
    const second = await t.viewer()
    second.say(t.announce('a', { info_hash: t.id('other') }))
    same((await second.response())['info_hash'], t.id('other'), 'info_hash')
    await t.expectCounts(0, 1)
  }),
  check('a peer_id back from the same address takes over at once', async t => {
    const old = await t.joined('a')
    const back = await t.joined('a')
    await t.joined('b', { offers: t.offers('x') })
    same((await back.offer())['offer_id'], t.id('x'), 'offer at the new socket')
    await old.settle()
    same(old.heard(), [], 'heard by the old socket')
    await t.expectCounts(0, 2)
  }),
  check('the old socket’s end does not remove a peer_id that was taken over', async t => {
    const old = await t.joined('a')
    await t.joined('a')
    old.socket.close()
    await old.closed
    await t.expectCounts(0, 1)
  }),
  check('a stranger cannot take a peer_id whose holder lives', async t => {
    const holder = await t.joined('a')
    const stranger = await t.viewer(elsewhere)
    stranger.say(t.announce('a'))
    await t.expectRefusal(stranger)
    await t.joined('b', { offers: t.offers('x') })
    same((await holder.offer())['offer_id'], t.id('x'), 'offer at the holder')
  }),
  check('a stranger cannot stop a peer_id', async t => {
    await t.joined('a')
    const stranger = await t.viewer(elsewhere)
    stranger.say(t.announce('a', { event: 'stopped' }))
    await stranger.settle()
    await t.expectCounts(0, 1)
  }),
  check('a peer_id whose holder is dead goes to whoever claims it', async t => {
    const dead = await t.joined('a')
    // It answers no ping any more, as a laptop that was carried to another network.
    dead.socket.pause()
    const owner = await t.viewer(elsewhere)
    owner.say(t.announce('a'))
    // The holder has a few seconds to answer a ping.
    await owner.response(12_000)
    await t.joined('b', { offers: t.offers('x') })
    same((await owner.offer())['offer_id'], t.id('x'), 'offer at the new socket')
  }),
  check('the first response hands out a tracker id', async t => {
    const viewer = await t.viewer()
    viewer.say(t.announce('a'))
    const token = (await viewer.response())['tracker id']
    truth(typeof token === 'string' && token.length > 10, `tracker id ${token}`)
  }),
  check('the tracker id brings a peer_id home from another address at once', async t => {
    const old = await t.viewer()
    old.say(t.announce('a'))
    const trackerid = (await old.response())['tracker id']
    // A dead socket would be waited for; the token is proof enough.
    old.socket.pause()
    const started = performance.now()
    await t.joined('a', { trackerid }, elsewhere)
    truth(trackerid !== undefined && performance.now() - started < 3_000, 'it was made to wait')
    await t.expectCounts(0, 1)
  }),
  check('another peer’s tracker id opens nothing', async t => {
    await t.joined('a')
    const other = await t.viewer(elsewhere)
    other.say(t.announce('b'))
    const trackerid = (await other.response())['tracker id']
    other.say(t.announce('a', { trackerid }))
    await t.expectRefusal(other)
  }),
]
