interface Line {
  readonly i?: { readonly type: string; readonly peer?: string; readonly message?: Message }
  readonly o?: { readonly type: string; readonly peer?: string; readonly message?: Message }
}
interface Message {
  readonly type: string
  readonly n?: number
  readonly seq?: number
  readonly length?: number
}

/** How many bytes of which segment a viewer gave others, as its trace tells, in the order in which they were first asked for. */
export function givings(trace: string): { seq: number; bytes: number }[] {
  const named = new Map<string, number>()
  const found = new Map<number, number>()
  for (const text of trace.split('\n')) {
    if (!/"type":"(offer|request|piece)"/.test(text)) continue
    const { i, o } = JSON.parse(text) as Line
    const { peer, message } = i ?? o ?? {}
    const name = `${peer} ${message?.n}`
    if (o && message?.type === 'offer') named.set(name, message.seq ?? -1)
    const seq = named.get(name)
    if (seq === undefined) continue
    const bytes = found.get(seq)
    if (i && message?.type === 'request') found.set(seq, bytes ?? 0)
    if (o && message?.type === 'piece' && bytes !== undefined) found.set(seq, bytes + (message.length ?? 0))
  }
  return [...found].flatMap(([seq, bytes]) => (bytes > 0 ? [{ seq, bytes }] : []))
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
