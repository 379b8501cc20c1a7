import { stripTokens } from './token-params.ts'

/**
 * What all viewers of one title or live channel have in common: the manifest's URL without fragment, credentials
 * and known token parameters. Null when a URL cannot name content for others (`blob:`, `data:`, relative): then the
 * site owner must set the id.
 *
 * @param extra further query parameters that are tokens on this site
 */
export function contentId(manifestUrl: string, extra: readonly string[] = []): string | null {
  const url = parse(manifestUrl)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null
  return `${url.protocol}//${url.host}${url.pathname}${stripTokens(url.search, extra)}`
}

/** `URL.parse` is too new (2024) for the browsers that hls.js still serves. */
function parse(url: string): URL | null {
  try {
    return new URL(url)
  } catch {
    return null
  }
}
