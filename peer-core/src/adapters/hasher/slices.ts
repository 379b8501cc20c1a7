/**
 * Maps `blocks` through a synchronous hash on the main thread, and lets the page breathe after each `sliceBytes`.
 * Not by a timer: those fire once a second in hidden tabs, which are to keep sharing.
 */
export async function inSlices(
  blocks: readonly Uint8Array[],
  sliceBytes: number,
  hash: (block: Uint8Array) => Uint8Array,
): Promise<Uint8Array[]> {
  const hashes: Uint8Array[] = []
  let since = 0
  for (const block of blocks) {
    if (since >= sliceBytes) {
      await breath()
      since = 0
    }
    hashes.push(hash(block))
    since += block.length
  }
  return hashes
}

function breath(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
