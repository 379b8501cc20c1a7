/** The load generator's process: one crowd, driven by messages from the bench; see `load.ts`. */
import { type Burst, Crowd, type Layout } from './crowd.ts'

export type Order =
  | { readonly type: 'join'; readonly layout: Layout }
  | { readonly type: 'trade'; readonly burst: Burst }
  | { readonly type: 'piece' }

let crowd: Crowd | null = null

process.on('message', (order: Order) => {
  perform(order).then(
    result => process.send?.({ ok: true, result }),
    error => process.send?.({ ok: false, reason: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))

async function perform(order: Order): Promise<unknown> {
  if (order.type === 'join') {
    crowd = new Crowd(order.layout)
    return crowd.join()
  }
  if (crowd === null) throw new Error('nobody has joined')
  return order.type === 'trade' ? crowd.trade(order.burst) : crowd.largestPiece()
}
