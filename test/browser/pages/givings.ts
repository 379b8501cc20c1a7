/** What a viewer gave to others of one segment, as its trace tells it. */
export interface Giving {
  readonly seq: number
  readonly bytes: number
  /** From the first request to the last piece. */
  readonly ms: number
}

interface Line {
  readonly t?: number
  readonly i?: { readonly type: string; readonly peer?: string; readonly message?: Message }
  readonly o?: { readonly type: string; readonly peer?: string; readonly message?: Message }
}
interface Message {
  readonly type: string
  readonly n?: number
  readonly seq?: number
  readonly length?: number
}

/** In the order in which their giving began. */
export function givings(trace: string): Giving[] {
  const named = new Map<string, number>()
  const found = new Map<number, { asked: number; given: number; bytes: number }>()
  let now = 0
  for (const text of trace.split('\n')) {
    if (text.startsWith('{"t":')) now = Number.parseFloat(text.slice(5))
    if (!/"type":"(offer|request|piece)"/.test(text)) continue
    const { i, o } = JSON.parse(text) as Line
    const { peer, message } = i ?? o ?? {}
    const name = `${peer} ${message?.n}`
    if (o && message?.type === 'offer') named.set(name, message.seq ?? -1)
    const seq = named.get(name)
    if (seq === undefined) continue
    if (i && message?.type === 'request' && !found.has(seq))
      found.set(seq, { asked: now, given: 0, bytes: 0 })
    const giving = found.get(seq)
    if (!o || message?.type !== 'piece' || !giving) continue
    giving.given = now
    giving.bytes += message.length ?? 0
  }
  return [...found]
    .filter(([, { given }]) => given > 0)
    .map(([seq, { asked, given, bytes }]) => ({ seq, bytes, ms: given - asked }))
}

/** Of a message on a data channel. */
export function bytesOf(data: unknown): Uint8Array<ArrayBuffer> {
  const bytes = data as ArrayBuffer | ArrayBufferView<ArrayBuffer>
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes)
}

/** BEP 3: length, then 7. Pieces leave each in a message of its own. */
export function isPiece(bytes: Uint8Array): boolean {
  return (
    bytes.length > 13 &&
    bytes[4] === 7 &&
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) === bytes.length - 4
  )
}
