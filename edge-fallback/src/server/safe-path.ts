/**
 * The path of a URL as names below a root, or null when it may not be looked up: what leads out of the root in any
 * spelling (`..`, encoded once or more often, backslashes), NUL, and hidden files.
 */
export function safePath(pathname: string): string[] | null {
  let decoded: string
  try {
    decoded = decodeURIComponent(pathname)
  } catch {
    return null
  }
  // Whoever decodes once more further down must not find a way out either.
  for (const spelling of [decoded, decodeLoosely(decoded), decodeLoosely(decodeLoosely(decoded))]) {
    if (/[\0\\]/.test(spelling)) return null
    if (spelling.split('/').some(name => name === '..' || name === '.')) return null
  }
  const names = decoded.split('/').filter(name => name !== '')
  return names.some(name => name.startsWith('.')) ? null : names
}

function decodeLoosely(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
