// simple-peer names its channels with random hex.
module.exports = function randombytes(length) {
  const bytes = crypto.getRandomValues(new Uint8Array(length))
  return { toString: () => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('') }
}
