import { type Check, check, same, truth } from './trial.ts'
import type { Message } from './viewer.ts'

const counted = (name: string, fields: Message, complete: number, incomplete: number) =>
  check(name, async t => {
    const viewer = await t.viewer()
    viewer.say(t.announce('a', fields))
    const response = await viewer.response()
    same([response['complete'], response['incomplete']], [complete, incomplete], 'counts in the response')
    await t.expectCounts(complete, incomplete)
  })

const tolerated = (name: string, fields: Message) =>
  check(name, async t => {
    await t.joined('a', fields)
    const { complete, incomplete } = await t.counts()
    same(Number(complete) + Number(incomplete), 1, 'peers')
  })

/** Joining, counting and leaving. */
export const announceChecks: readonly Check[] = [
  check('an announce is answered with action, info_hash and interval', async t => {
    const viewer = await t.viewer()
    viewer.say(t.announce('a', { event: 'started' }))
    const { action, info_hash, interval } = await viewer.response()
    same([action, info_hash], ['announce', t.hash], 'head')
    truth(typeof interval === 'number' && interval >= 10 && interval <= 3_600, `interval ${interval}`)
  }),
  counted('left above 0 is incomplete', { left: 700 }, 0, 1),
  counted('left 0 is complete', { left: 0 }, 1, 0),
  counted('left null is complete', { left: null }, 1, 0),
  counted('left absent is complete', { left: undefined }, 1, 0),
  check('a viewer that has everything by now moves from incomplete to complete', async t => {
    const viewer = await t.joined('a', { left: 5 })
    viewer.say(t.announce('a', { left: 0 }))
    await viewer.response()
    await t.expectCounts(1, 0)
  }),
  check('announcing again counts once', async t => {
    const viewer = await t.joined('a', { event: 'started' })
    for (const event of ['started', undefined, 'started']) {
      viewer.say(t.announce('a', { event }))
      await viewer.response()
    }
    await t.expectCounts(0, 1)
  }),
  ...['update', 'paused', 'empty', ''].map(event => tolerated(`event "${event}" is an update`, { event })),
  tolerated('event null is an update', { event: null }),
  tolerated('no event is an update', { event: undefined }),
  tolerated('no offers is no offers', { offers: undefined }),
  tolerated('offers null is no offers', { offers: null }),
  tolerated('numwant, uploaded and downloaded may be absent', {
    numwant: undefined,
    uploaded: undefined,
    downloaded: undefined,
  }),
  check('an event that nobody knows is refused', async t => {
    const viewer = await t.viewer()
    viewer.say(t.announce('a', { event: 'exploded' }))
    await t.expectRefusal(viewer)
  }),
  check('stopped removes the viewer', async t => {
    const viewer = await t.joined('a')
    await t.joined('b')
    viewer.say(t.announce('a', { event: 'stopped' }))
    await viewer.settle()
    await t.expectCounts(0, 1)
  }),
  check('stopped of somebody who never came counts nobody', async t => {
    const viewer = await t.viewer()
    viewer.say(t.announce('a', { event: 'stopped' }))
    await viewer.settle()
    await t.expectCounts(0, 0)
    truth(viewer.isOpen, 'the socket was closed')
  }),
  check('closing the socket removes the viewer', async t => {
    const viewer = await t.joined('a')
    await t.joined('b')
    viewer.socket.close()
    await viewer.closed
    await t.expectCounts(0, 1)
  }),
  check('completed counts a download', async t => {
    const viewer = await t.joined('a', { event: 'started' })
    viewer.say(t.announce('a', { left: 0, event: 'completed' }))
    await viewer.response()
    same((await t.counts())['downloaded'], 1, 'downloaded')
  }),
  check('whoever arrives complete has downloaded nothing', async t => {
    await t.joined('a', { left: 0, event: 'completed' })
    same((await t.counts())['downloaded'], 0, 'downloaded')
  }),
  check('an empty swarm vanishes, its downloads with it', async t => {
    const viewer = await t.joined('a')
    viewer.say(t.announce('a', { left: 0, event: 'completed' }))
    viewer.say(t.announce('a', { event: 'stopped' }))
    await viewer.settle()
    same(await t.counts(), { complete: 0, incomplete: 0, downloaded: 0 }, 'counts')
  }),
  check('whoever has met nobody among many is asked back soon, whoever is alone later', async t => {
    const alone = await t.viewer()
    alone.say(t.announce('a'))
    const later = Number((await alone.response())['interval'])
    for (const name of ['b', 'c', 'd', 'e']) await t.joined(name)
    const newcomer = await t.viewer()
    newcomer.say(t.announce('f'))
    const soon = Number((await newcomer.response())['interval'])
    truth(later >= 90 && soon <= 30, `alone ${later} s, among strangers ${soon} s`)
  }),
  check('intervals are spread, so that viewers of one moment do not return in one moment', async t => {
    const intervals = new Set<unknown>()
    for (let i = 0; i < 12; i++) {
      const viewer = await t.viewer()
      viewer.say(t.announce(`p${i}`, { info_hash: t.id(`s${i}`) }))
      intervals.add((await viewer.response())['interval'])
    }
    truth(intervals.size > 2, `${intervals.size} different intervals`)
  }),
]
