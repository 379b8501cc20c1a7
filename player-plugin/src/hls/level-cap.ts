/**
 * The highest level whose bitrate a site's shared line carries once, or −1 for no cap. When even the lowest does
 * not fit it is the lowest: better late than nothing.
 *
 * @param lineKbps capacity of the line, kbit/s; 0 unknown
 */
export function levelCap(levels: readonly { readonly bitrate: number }[], lineKbps: number): number {
  if (!(lineKbps > 0) || levels.length === 0) return -1
  // TCP, TLS and playlists take their part of the line.
  const carries = lineKbps * 1000 * 0.9
  if (levels.every(({ bitrate }) => bitrate <= carries)) return -1
  let cap = 0
  for (const [i, { bitrate }] of levels.entries()) {
    if (bitrate <= carries && bitrate > (levels[cap]?.bitrate ?? 0)) cap = i
    else if ((levels[cap]?.bitrate ?? 0) > carries && bitrate < (levels[cap]?.bitrate ?? 0)) cap = i
  }
  return cap
}
