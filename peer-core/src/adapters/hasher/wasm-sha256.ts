// A module of its own, loaded on demand: bundlers cut it (and only SHA-256 of hash-wasm) into a separate file, and
// a build that must stay one small file may leave it out; `createWasmHasher` then falls back.
export { createSHA256 } from 'hash-wasm'
