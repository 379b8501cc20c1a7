import { parseCidr } from '../address/cidr.ts'

/** A small database in MaxMind's format, for tests: there is no writer on npm. */
export function writeMmdb(
  type: string,
  entries: readonly (readonly [cidr: string, record: Readonly<Record<string, Value>>])[],
): Buffer {
  const root: Node = [null, null]
  const data: Buffer[] = []
  let dataBytes = 0
  for (const [text, record] of entries) {
    const parsed = parseCidr(text)
    if (!parsed.ok) throw new Error(parsed.reason)
    const { family, bytes, bits } = parsed.cidr
    // IPv4 lies at ::/96.
    const path = family === 4 ? [...Array<number>(12).fill(0), ...bytes] : bytes
    insert(root, path, family === 4 ? bits + 96 : bits, { offset: dataBytes })
    const encoded = encode(record)
    data.push(encoded)
    dataBytes += encoded.length
  }
  const nodes = numbered(root)
  const tree = Buffer.alloc(nodes.length * 8)
  for (const [i, node] of nodes.entries())
    for (const [side, child] of node.entries()) tree.writeUInt32BE(pointer(child, nodes), i * 8 + side * 4)
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    database_type: type,
    description: {},
    ip_version: 6,
    languages: {},
    node_count: nodes.length,
    record_size: 32,
  })
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ])
}

type Value = string | number | { readonly [name: string]: Value }
type Node = [Child, Child]
type Child = Node | { readonly offset: number } | null

function insert(root: Node, path: readonly number[], bits: number, leaf: { offset: number }): void {
  let node = root
  for (let i = 0; ; i++) {
    const side = ((path[i >> 3] ?? 0) >> (7 - (i & 7))) & 1
    if (i === bits - 1) {
      node[side] = leaf
      return
    }
    const next = node[side]
    if (Array.isArray(next)) node = next
    else {
      const made: Node = [next ?? null, next ?? null]
      node[side] = made
      node = made
    }
  }
}

function numbered(root: Node): Node[] {
  const nodes = [root]
  for (const node of nodes) for (const child of node) if (Array.isArray(child)) nodes.push(child)
  return nodes
}

function pointer(child: Child, nodes: readonly Node[]): number {
  if (child === null) return nodes.length
  return Array.isArray(child) ? nodes.indexOf(child) : nodes.length + 16 + child.offset
}

/** MaxMind DB format 2.0, "Data Section": strings are type 2, 32-bit numbers 6, maps 7. */
function encode(value: Value): Buffer {
  if (typeof value === 'string') {
    const text = Buffer.from(value)
    return Buffer.concat([control(2, text.length), text])
  }
  if (typeof value === 'number') {
    const number = Buffer.alloc(4)
    number.writeUInt32BE(value)
    return Buffer.concat([control(6, 4), number])
  }
  const fields = Object.entries(value)
  return Buffer.concat([
    control(7, fields.length),
    ...fields.flatMap(([name, field]) => [encode(name), encode(field)]),
  ])
}

function control(type: number, size: number): Buffer {
  if (size < 29) return Buffer.from([(type << 5) | size])
  if (size < 285) return Buffer.from([(type << 5) | 29, size - 29])
  throw new Error('too long for a test')
}
