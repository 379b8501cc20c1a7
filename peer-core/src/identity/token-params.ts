/**
 * Query parameters that name a viewer, a session or a moment and never the content. Two viewers of one stream get
 * different values, so leaving them in would split their swarm. Compared without regard to case. A parameter that
 * is merely unknown stays: `?id=7` and `?id=8` are two videos.
 */
export const knownTokenParams: readonly string[] = [
  // Generic names of signed URLs
  'token', 'access_token', 'auth', 'auth_token', 'authtoken', 'auth_key', 'authorization', 'jwt', 'sig', 'signature',
  'hmac', 'exp', 'expires', 'expiry', 'nonce', 'sessionid', 'session_id', 'session-id',
  // Akamai
  'hdnts', 'hdnea', 'hdntl', '__gda__',
  // Amazon CloudFront (custom and canned policies) and S3 before SigV4
  'policy', 'key-pair-id', 'awsaccesskeyid',
  // Google Cloud CDN and Media CDN
  'urlprefix', 'keyname', 'edge-cache-token', 'googleaccessid',
  // bunny.net, Wowza, Tencent, CDN77
  'token_path', 'token_ver', 'bcdn_token', 'wowzatokenhash', 'wowzatokenstarttime', 'wowzatokenendtime',
  'txsecret', 'txtime',
  // CMCD (CTA-5004) and HLS delivery directives and steering (RFC 8216bis §6.2.5, §7.2)
  'cmcd', '_hls_msn', '_hls_part', '_hls_skip', '_hls_push', '_hls_pathway', '_hls_throughput',
] // biome-ignore format: a list by vendor reads better than one name a line

/** AWS SigV4 and Google V4 signatures: every parameter with the prefix. */
const tokenPrefixes = ['x-amz-', 'x-goog-'] as const

/** Azure shared access signatures use two-letter names that mean other things elsewhere: only beside `sig` and `sv`. */
const azureParams = new Set([
  'sv',
  'se',
  'st',
  'sr',
  'sp',
  'spr',
  'sip',
  'ss',
  'srt',
  'sks',
  'skoid',
  'sktid',
  'skt',
  'ske',
  'skv',
])

const known = new Set(knownTokenParams)

/**
 * A query string without its token parameters, the rest sorted by name (equal names keep their order), with its
 * leading `?`, or '' when nothing is left. Values stay exactly as they were written.
 *
 * @param extra further names to drop, as a site owner states them
 */
export function stripTokens(search: string, extra: readonly string[] = []): string {
  const more = new Set(extra.map(name => name.toLowerCase()))
  const pairs = search
    .replace(/^\?/, '')
    .split('&')
    .filter(pair => pair !== '')
    .map(pair => ({ pair, name: nameOf(pair) }))
  const azure = pairs.some(({ name }) => name === 'sig') && pairs.some(({ name }) => name === 'sv')
  const kept = pairs.filter(
    ({ name }) => !isToken(name) && !more.has(name) && !(azure && azureParams.has(name)),
  )
  kept.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return kept.length === 0 ? '' : `?${kept.map(({ pair }) => pair).join('&')}`
}

function isToken(name: string): boolean {
  return known.has(name) || tokenPrefixes.some(prefix => name.startsWith(prefix))
}

function nameOf(pair: string): string {
  const end = pair.indexOf('=')
  const raw = end < 0 ? pair : pair.slice(0, end)
  try {
    return decodeURIComponent(raw).toLowerCase()
  } catch {
    return raw.toLowerCase()
  }
}
