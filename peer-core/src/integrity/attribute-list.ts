/** An attribute list of a playlist tag (RFC 8216 §4.2): names to values, quotes removed. Malformed rest is dropped. */
export function parseAttributes(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>()
  for (const match of text.matchAll(/\s*([A-Z0-9-]+)\s*=\s*(?:"([^"]*)"|([^,"]*))\s*(?:,|$)/g)) {
    attributes.set(match[1]!, match[2] ?? match[3]!.trim())
  }
  return attributes
}
