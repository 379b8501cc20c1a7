const types: Readonly<Record<string, string>> = {
  // RFC 8216 §4 and RFC 8216bis: what players and caches know playlists by
  m3u8: 'application/vnd.apple.mpegurl',
  mpd: 'application/dash+xml',
  ts: 'video/mp2t',
  m4s: 'video/iso.segment',
  mp4: 'video/mp4',
  cmfv: 'video/mp4',
  m4v: 'video/mp4',
  m4a: 'audio/mp4',
  cmfa: 'audio/mp4',
  aac: 'audio/aac',
  mp3: 'audio/mpeg',
  ac3: 'audio/ac3',
  ec3: 'audio/eac3',
  vtt: 'text/vtt; charset=utf-8',
  key: 'application/octet-stream',
  bin: 'application/octet-stream',
  nearcast: 'text/plain; charset=us-ascii',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  ico: 'image/x-icon',
  txt: 'text/plain; charset=utf-8',
  webm: 'video/webm',
  wasm: 'application/wasm',
}

export function contentTypeOf(path: string): string {
  const dot = path.lastIndexOf('.')
  return types[path.slice(dot + 1).toLowerCase()] ?? 'application/octet-stream'
}

export function isPlaylist(path: string, type: string): boolean {
  return /\.m3u8$/i.test(path) || /^(application|audio)\/(vnd\.apple\.|x-)?mpegurl\b/i.test(type)
}

/** Playlists and pages change in place; media segments do not. */
export function cacheControlOf(path: string): string {
  return /\.(m3u8|mpd|html?|json|nearcast|js|mjs|css)$/i.test(path) ? 'no-cache' : 'public, max-age=3600'
}
