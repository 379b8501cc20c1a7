import { hash32 } from '../core/hash.ts'

/**
 * A name for a private network that tells it from others behind the same address and can hardly be turned back: ten
 * bits, so that each of the 69,888 private /24s shares its name with some 68 others, and two networks behind one NAT
 * are taken for one in 1 of 1,024 cases. Another name in each content. In base 36.
 *
 * @param network as the transport tells it, `10.2.3`
 */
export function lanKey(network: string, infoHash: string): string {
  return (hash32(`${infoHash} ${network}`, 0) & 1023).toString(36)
}
