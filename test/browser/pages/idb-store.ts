import { createIdbStore, SwarmError } from '@nearcast/peer-core'
import { check, pattern, same, segment, storeContract } from '../../contract/store-contract.ts'

export const contractNames = storeContract.map(({ name }) => name)

/** Runs one case of the contract on fresh databases. */
export async function runContract(name: string): Promise<void> {
  const found = storeContract.find(one => one.name === name)
  if (!found) throw new Error(`no case ${name}`)
  const options = { scope: 'content', name: `contract ${Math.random()}` }
  await found.run({ store: createIdbStore(options), reopen: async () => createIdbStore(options) })
}

/** The oldest give way, over all contents, when the sum passes `maxBytes`. */
export async function keepsWithinItsBudget(): Promise<void> {
  const name = `budget ${Math.random()}`
  const old = createIdbStore({ scope: 'old', name, maxBytes: 3000 })
  await old.put(segment('a'), pattern(1000, 1))
  const store = createIdbStore({ scope: 'new', name, maxBytes: 3000 })
  for (const [i, key] of ['b', 'c', 'd'].entries()) {
    await store.put(segment(key), pattern(1000, i))
    await new Promise(resolve => setTimeout(resolve, 3))
  }
  check((await createIdbStore({ scope: 'old', name }).list()).length === 0, 'the oldest is still there')
  check((await store.list()).length === 3, 'younger ones went')
  const refused = await store.put(segment('e'), pattern(4000, 1)).catch(error => error)
  check(refused instanceof SwarmError && refused.reason === 'store-quota', `put gave ${refused}`)
  check((await store.list()).length === 3, 'a refused put cost others')
}

/** Two contents may use the same keys. */
export async function separatesScopes(): Promise<void> {
  const name = `scopes ${Math.random()}`
  const [a, b] = [createIdbStore({ scope: 'a', name }), createIdbStore({ scope: 'b', name })]
  await a.put(segment('k'), pattern(10, 1))
  await b.put(segment('k'), pattern(10, 2))
  same(await a.get('k'), pattern(10, 1))
  await b.evict('k')
  same(await a.get('k'), pattern(10, 1))
  check((await b.list()).length === 0, 'b lists a segment of a')
}

/** Fills the quota that the test set; earlier segments must give way and the last put must stay. */
export async function survivesTheQuota(
  segments: number,
  bytes: number,
): Promise<{ listed: number; last: boolean }> {
  const store = createIdbStore({ scope: 'content', name: 'quota', maxBytes: Number.POSITIVE_INFINITY })
  for (let i = 0; i < segments; i++) {
    await store.put(segment(`k${i}`, i), noise(bytes))
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  const last = await store.get(`k${segments - 1}`)
  return { listed: (await store.list()).length, last: last?.length === bytes }
}

/** Random, so that the database cannot compress it away. */
function noise(bytes: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at += 65_536)
    crypto.getRandomValues(out.subarray(at, Math.min(bytes, at + 65_536)))
  return out
}

/** Bytes whose index entry was never written (the page died between) are neither given nor kept. */
export async function forgetsHalfWrites(): Promise<void> {
  const name = `orphan ${Math.random()}`
  const before = createIdbStore({ scope: 'content', name })
  await before.put(segment('a'), pattern(10, 1))
  await rawPut(`${name}-bytes`, 'content b', pattern(10, 2))
  const after = createIdbStore({ scope: 'content', name })
  check((await after.get('b')) === undefined, 'half-written segment was given')
  check((await after.list()).length === 1, 'half-written segment is listed')
  check((await rawKeys(`${name}-bytes`)).join() === 'content a', 'its bytes are still on disk')
}

function rawPut(database: string, key: string, value: Uint8Array): Promise<void> {
  return onStore(database, 'readwrite', store => store.put(value, key)).then(() => {})
}

function rawKeys(database: string): Promise<IDBValidKey[]> {
  return onStore(database, 'readonly', store => store.getAllKeys())
}

function onStore<T>(
  name: string,
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name)
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const transaction = opening.result.transaction('segments', mode)
      const request = work(transaction.objectStore('segments'))
      transaction.oncomplete = () => {
        opening.result.close()
        resolve(request.result)
      }
    }
  })
}
