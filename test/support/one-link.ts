import { createWeriftPair } from './werift-pair.ts'

// A process of its own: connects, closes, and has nothing left that would keep it alive.
const [a, b] = await createWeriftPair()
a.listen({ onMessage() {}, onDrained() {}, onClose: reason => console.log(reason) })
b.close('done')
