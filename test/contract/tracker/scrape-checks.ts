import { type Check, check, same, truth } from './trial.ts'
import type { Message, Viewer } from './viewer.ts'

const scraped = (viewer: Viewer) => viewer.next('scrape response', message => message['action'] === 'scrape')

/** Counting from outside. */
export const scrapeChecks: readonly Check[] = [
  check('a scrape of one swarm', async t => {
    await t.joined('a', { left: 0 })
    const viewer = await t.joined('b')
    viewer.say({ action: 'scrape', info_hash: t.hash })
    const { files } = await scraped(viewer)
    same(files, { [t.hash]: { complete: 1, incomplete: 1, downloaded: 0 } }, 'files')
  }),
  check('a scrape of several swarms', async t => {
    const viewer = await t.joined('a')
    viewer.say({ action: 'scrape', info_hash: [t.hash, t.id('other')] })
    const files = (await scraped(viewer))['files'] as Record<string, Message>
    same([files[t.hash]?.['incomplete'], files[t.id('other')]?.['incomplete']], [1, 0], 'incomplete')
  }),
  check('a scrape of a swarm that nobody knows counts nobody', async t => {
    const viewer = await t.viewer()
    viewer.say({ action: 'scrape', info_hash: t.hash })
    const counts = ((await scraped(viewer))['files'] as Record<string, Message>)[t.hash]
    same([counts?.['complete'], counts?.['incomplete'], counts?.['downloaded']], [0, 0, 0], 'counts')
  }),
  check('a scrape by characters above U+007F', async t => {
    const hash = t.hash.slice(0, 6) + '\u0080\u00ff'.repeat(7)
    const viewer = await t.viewer()
    viewer.say({ action: 'scrape', info_hash: hash })
    same(Object.keys((await scraped(viewer))['files'] as object), [hash], 'files')
  }),
  check('a scrape says how often it may be repeated', async t => {
    const viewer = await t.viewer()
    viewer.say({ action: 'scrape', info_hash: t.hash })
    const flags = (await scraped(viewer))['flags'] as Message | undefined
    truth(Number(flags?.['min_request_interval']) > 0, 'no min_request_interval')
  }),
  check('a scrape of everything tells nobody what others watch', async t => {
    await t.joined('a')
    const viewer = await t.viewer()
    viewer.say({ action: 'scrape' })
    const answer = await viewer.next('answer', message => message['action'] === 'scrape')
    same(Object.keys((answer['files'] ?? {}) as object), [], 'files')
  }),
  check('a scrape of hundreds of swarms is refused', async t => {
    const viewer = await t.viewer()
    viewer.say({ action: 'scrape', info_hash: Array.from({ length: 300 }, (_, i) => t.id(`s${i}`)) })
    await t.expectRefusal(viewer)
  }),
  check('a scrape joins nothing', async t => {
    const viewer = await t.viewer()
    viewer.say({ action: 'scrape', info_hash: t.hash })
    await scraped(viewer)
    await t.expectCounts(0, 0)
  }),
]
