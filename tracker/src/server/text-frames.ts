/**
 * Text messages as one buffer for the stream below a WebSocket: `ws` writes header and text of each message apart, which
 * costs the kernel call and Node a fifth of all the CPU that a relay uses. Nothing else is lost by it: frames of servers are
 * neither masked nor, as we negotiate no extension, compressed (RFC 6455 §5.1, §5.2), and what `ws` itself sends (pongs,
 * closes) are whole frames as well.
 */
export function textFrames(texts: readonly string[]): Buffer {
  const lengths = texts.map(text => Buffer.byteLength(text))
  let size = 0
  for (const length of lengths) size += headLength(length) + length
  const frames = Buffer.allocUnsafe(size)
  let at = 0
  texts.forEach((text, i) => {
    at = writeHead(frames, at, lengths[i] ?? 0)
    at += frames.write(text, at)
  })
  return frames
}

function headLength(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10
}

/** The head of a final text frame (RFC 6455 §5.2). Returns the index behind it. */
function writeHead(frames: Buffer, at: number, length: number): number {
  frames[at] = 0x81
  if (length < 126) {
    frames[at + 1] = length
    return at + 2
  }
  if (length < 65_536) {
    frames[at + 1] = 126
    return frames.writeUInt16BE(length, at + 2)
  }
  frames[at + 1] = 127
  return frames.writeBigUInt64BE(BigInt(length), at + 2)
}
