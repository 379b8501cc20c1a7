/** bencode 4.0.1, as much of it as we use. */
declare module 'bencode' {
  const bencode: {
    /** Throws on bytes that are no bencode; nests as deep as the stack allows. */
    decode(data: Uint8Array): unknown
    encode(value: unknown): Uint8Array
  }
  export default bencode
}
