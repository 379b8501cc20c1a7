import type { PeerNode } from './observer.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Layout {
  readonly self: Point
  readonly edge: Point
  readonly peers: ReadonlyMap<string, Point>
  /** The viewer's own network: what is inside costs the line nothing. */
  readonly room: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
  readonly nodeRadius: number
  /** Whether there is room for labels beside the nodes; else they go below. */
  readonly beside: boolean
}

/**
 * Places everybody: the internet above (edge in the middle, outside peers beside it), the viewer's network below it with the viewer
 * in its middle and the group around, clear of the link to the edge. Sizes in CSS pixels.
 */
export function layoutGraph(
  peers: readonly Pick<PeerNode, 'id' | 'place'>[],
  width: number,
  height: number,
): Layout {
  const roomTop = Math.max(84, height * 0.25)
  const room = { x: 10, y: roomTop, width: width - 20, height: height - roomTop - 10 }
  const group = peers.filter(peer => peer.place === 'group').map(peer => peer.id)
  const outside = peers.filter(peer => peer.place === 'outside').map(peer => peer.id)
  const nodeRadius = group.length > 14 ? 11 : group.length > 8 ? 14 : 18
  const beside = width >= 480
  const self = { x: width / 2, y: room.y + room.height / 2 - (beside ? 0 : 12) }
  const radiusX = Math.min(room.width / 2 - nodeRadius - (beside ? 104 : 36), room.height * 1.1)
  const radiusY = room.height / 2 - nodeRadius - (beside ? 16 : 28)
  const places = new Map<string, Point>()
  group.sort().forEach((id, index) => {
    const turn = groupTurn(index, group.length)
    places.set(id, { x: self.x + radiusX * Math.cos(turn), y: self.y + radiusY * Math.sin(turn) })
  })
  const edge = { x: width / 2, y: 38 }
  outside.sort().forEach((id, index) => {
    const side = index % 2 === 0 ? -1 : 1
    const columns = Math.ceil(outside.length / 2)
    const step = (width / 2 - 70) / Math.max(1, columns)
    places.set(id, { x: edge.x + side * (62 + step * (Math.floor(index / 2) + 0.5)), y: 38 })
  })
  return { self, edge, peers: places, room, nodeRadius, beside }
}

/** Angle of a group member: one or two sit beside the viewer, more go round, all clear of straight up. */
function groupTurn(index: number, count: number): number {
  if (count <= 2) return index === 0 ? 0 : Math.PI
  const gap = Math.PI / (count < 8 ? 1.9 : 3)
  const span = 2 * Math.PI - gap
  return -Math.PI / 2 + gap / 2 + (span * index) / (count - 1)
}
