import { type Scrape, type ScrapedSwarm, writeScrape } from '@nearcast/peer-core/signalling'
import type { Connection } from './connection.ts'
import { type Context, refuse, send } from './context.ts'

/** How many are in the swarms that a client names; there is no scrape of all. */
export function scrape(context: Context, connection: Connection, { infoHashes }: Scrape): void {
  if (infoHashes === null) {
    return refuse(context, connection, 'scrape', 'name the swarms to scrape', null, 'scrape')
  }
  const files = infoHashes.map((infoHash): ScrapedSwarm => {
    const swarm = context.swarms.get(infoHash)
    if (swarm === undefined) return { infoHash, complete: 0, incomplete: 0, downloaded: 0 }
    return {
      infoHash,
      complete: swarm.complete + swarm.elsewhere.complete,
      incomplete: swarm.incomplete + swarm.elsewhere.incomplete,
      downloaded: swarm.downloaded,
    }
  })
  send(context, connection, writeScrape(files, 60))
}
