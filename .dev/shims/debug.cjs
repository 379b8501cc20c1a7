// simple-peer and bittorrent-protocol log through `debug`: `nearcast.on` and `snapshot()` say more.
const silent = () => {}
silent.enabled = false
silent.destroy = silent
silent.extend = () => silent
// CommonJS, because simple-peer calls what require() gives.
module.exports = () => silent
