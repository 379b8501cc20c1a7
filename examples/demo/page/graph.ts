import { type Layout, layoutGraph, type Point } from './graph-layout.ts'
import { sourceMark } from './marks.ts'
import type { PeerNode, Source, View } from './observer.ts'
import { assign, svg } from './svg.ts'
import { bytesText, rateText } from './units.ts'

/** A link as drawn: who, from which source its bytes are, how fast both ways, bytes a second. */
interface Link {
  readonly id: string
  readonly source: Source
  readonly inBps: number
  readonly outBps: number
}

interface Drawn {
  readonly node: SVGGElement
  readonly label: SVGTextElement
  readonly detail: SVGTextElement
  readonly base: SVGPathElement
  readonly flow: SVGPathElement
  readonly dots: SVGCircleElement[]
  link: Link
  at: Point
  target: Point
  phase: number
}

const edgeId = 'edge'
const dotsPerWay = 4

/** The live graph of the swarm: the viewer in the middle of its network, peers around, the edge beyond the line. */
export function createGraph(container: HTMLElement): { update(view: View): void; close(): void } {
  const roomShape = svg('rect', { class: 'room', rx: 18 })
  const roomLabel = svg('text', { class: 'room-label' })
  const skyLabel = svg('text', { class: 'room-label', x: 12, y: 20 }, 'Internet')
  const links = svg('g')
  const nodes = svg('g')
  const title = svg('title', { id: 'graph-title' })
  const root = svg(
    'svg',
    { class: 'graph', role: 'img', 'aria-labelledby': 'graph-title' },
    title,
    roomShape,
    skyLabel,
    roomLabel,
    links,
    nodes,
  )
  container.append(root)

  const self = selfNode()
  const drawn = new Map<string, Drawn>()
  const still = matchMedia('(prefers-reduced-motion: reduce)')
  let view: View | null = null
  let layout: Layout | null = null
  let frame = 0
  let before = performance.now()

  nodes.append(self)
  const resize = new ResizeObserver(() => {
    arrange()
    draw(0)
  })
  resize.observe(container)
  frame = requestAnimationFrame(animate)

  return {
    update(next) {
      view = next
      arrange()
      title.textContent = describe(next)
      if (still.matches) draw(0)
    },
    close() {
      cancelAnimationFrame(frame)
      resize.disconnect()
      root.remove()
    },
  }

  function arrange(): void {
    const width = container.clientWidth
    const height = container.clientHeight
    if (width < 60 || height < 60) return
    assign(root, { viewBox: `0 0 ${width} ${height}`, width, height })
    const peers = view?.peers ?? []
    layout = layoutGraph(peers, width, height)
    assign(roomShape, { ...layout.room })
    assign(roomLabel, { x: layout.room.x + 14, y: layout.room.y + 22 })
    roomLabel.textContent = roomText(view)
    self.style.transform = `translate(${layout.self.x}px, ${layout.self.y}px)`
    keep({ id: edgeId, source: 'edge', inBps: view?.edgeBps ?? 0, outBps: 0 }, layout.edge, null)
    for (const peer of peers) {
      const source: Source = peer.place === 'group' ? 'group' : 'outside'
      keep(
        { id: peer.id, source, inBps: peer.inBps, outBps: peer.outBps },
        layout.peers.get(peer.id) ?? layout.self,
        peer,
      )
    }
    const present = new Set([edgeId, ...peers.map(peer => peer.id)])
    for (const [id, item] of drawn) if (!present.has(id)) drop(id, item)
  }

  /** Adds or updates one node with its link. */
  function keep(link: Link, target: Point, peer: PeerNode | null): void {
    let item = drawn.get(link.id)
    if (!item) {
      const radius = peer ? (layout?.nodeRadius ?? 18) : 20
      const detail = svg('text', { class: 'node-detail' })
      const label = svg('text', { class: 'node-label' })
      item = {
        node: svg(
          'g',
          { class: `node source-${link.source}` },
          svg('circle', { r: radius + 5, class: 'halo' }),
          sourceMark(link.source, radius * 1.7),
          label,
          detail,
        ),
        label,
        detail,
        base: svg('path', { class: 'link' }),
        flow: svg('path', { class: `flow source-${link.source}` }),
        dots: Array.from({ length: dotsPerWay * 2 }, (_, index) =>
          svg('circle', { class: index < dotsPerWay ? `dot source-${link.source}` : 'dot given', r: 0 }),
        ),
        link,
        at: still.matches ? target : (layout?.self ?? target),
        target,
        phase: 0,
      }
      if (!peer) item.at = target
      links.append(item.base, item.flow, ...item.dots)
      nodes.append(item.node)
      drawn.set(link.id, item)
    }
    item.link = link
    item.target = target
    const crowded = (view?.peers.length ?? 0) > 12
    item.label.textContent = peer ? (crowded ? '' : peer.label) : 'Edge'
    item.detail.textContent = peer ? (crowded ? '' : peerDetail(peer)) : edgeDetail(link.inBps, view)
    placeLabels(item, peer)
  }

  /** Beside the node, away from the viewer, where there is room; else below it. Those above the room stay below too. */
  function placeLabels({ label, detail, target, node }: Drawn, peer: PeerNode | null): void {
    const radius = peer ? (layout?.nodeRadius ?? 18) : 20
    const beside = peer === null || (peer.place === 'group' && layout?.beside === true)
    const side = target.x < (layout?.self.x ?? 0) - 1 ? -1 : 1
    const anchor = beside ? (side < 0 ? 'end' : 'start') : 'middle'
    const x = beside ? side * (radius + 12) : 0
    node.classList.toggle('in-room', peer?.place === 'group')
    assign(label, { x, y: beside ? -2 : radius + 17, 'text-anchor': anchor })
    assign(detail, { x, y: beside ? 15 : radius + 32, 'text-anchor': anchor })
  }

  function drop(id: string, item: Drawn): void {
    for (const element of [item.node, item.base, item.flow, ...item.dots]) element.remove()
    drawn.delete(id)
  }

  function animate(now: number): void {
    const elapsed = Math.min(100, now - before)
    before = now
    if (!still.matches && !document.hidden) draw(elapsed)
    frame = requestAnimationFrame(animate)
  }

  function draw(elapsedMs: number): void {
    if (!layout) return
    // A move takes about a third of a second, whatever the frame rate.
    const ease = still.matches ? 1 : 1 - Math.exp(-elapsedMs / 110)
    for (const item of drawn.values()) {
      item.at = {
        x: item.at.x + (item.target.x - item.at.x) * ease,
        y: item.at.y + (item.target.y - item.at.y) * ease,
      }
      item.node.style.transform = `translate(${item.at.x}px, ${item.at.y}px)`
      drawLink(item, layout.self, elapsedMs)
    }
  }

  function drawLink(item: Drawn, to: Point, elapsedMs: number): void {
    const curve = curveBetween(item.at, to)
    const { inBps, outBps } = item.link
    const path = `M${curve.from.x.toFixed(1)} ${curve.from.y.toFixed(1)}Q${curve.bend.x.toFixed(1)} ${curve.bend.y.toFixed(1)} ${curve.to.x.toFixed(1)} ${curve.to.y.toFixed(1)}`
    assign(item.base, { d: path })
    assign(item.flow, { d: path, 'stroke-width': widthOf(inBps), opacity: inBps > 0 ? 0.75 : 0 })
    item.phase = (item.phase + (elapsedMs / 1000) * 0.45) % 1
    item.dots.forEach((dot, index) => {
      const inbound = index < dotsPerWay
      const bps = inbound ? inBps : outBps
      const idle = bps <= 0 || still.matches
      const t = (item.phase + (index % dotsPerWay) / dotsPerWay) % 1
      const point = pointOn(curve, inbound ? t : 1 - t)
      assign(dot, {
        cx: point.x,
        cy: point.y,
        r: idle ? 0 : 2 + widthOf(bps) * 0.28,
        opacity: Math.min(1, 6 * t, 6 * (1 - t)),
      })
    })
  }
}

function selfNode(): SVGGElement {
  return svg(
    'g',
    { class: 'node self' },
    svg('circle', { r: 34, class: 'self-ring' }),
    svg('circle', { r: 26, class: 'self-disc' }),
    svg('text', { class: 'self-label', y: 5 }, 'You'),
  )
}

function peerDetail(peer: PeerNode): string {
  if (peer.inBps > 0) return `↓ ${rateText(peer.inBps)}`
  if (peer.outBps > 0) return `↑ ${rateText(peer.outBps)}`
  return peer.rttMs > 0 ? `${peer.rttMs.toFixed(peer.rttMs < 10 ? 1 : 0)} ms` : 'connected'
}

/** What the tracker takes for near, by the level at which it found the group. */
const roomNames: Readonly<Record<string, string>> = {
  prefix: 'Your neighbourhood',
  asn: 'Your provider',
  country: 'Your country',
}

function roomText(view: View | null): string {
  const group = view?.swarm?.mesh.group
  const name = roomNames[group?.level ?? ''] ?? 'Your network'
  if (!group) return name
  return group.size > 1 ? `${name} · ${group.size} viewers` : `${name} · only you`
}

function edgeDetail(bps: number, view: View | null): string {
  const total = view?.taken.edge ?? 0
  return bps > 0 ? `↓ ${rateText(bps)}` : total > 0 ? `${bytesText(total)} so far` : ''
}

/** What the picture shows, for those who do not see it. */
function describe(view: View): string {
  const inside = view.peers.filter(peer => peer.place === 'group').length
  const { edge, group, outside } = view.taken
  return (
    `You are connected to ${inside} viewers on your network and ${view.peers.length - inside} outside it. ` +
    `So far ${bytesText(edge)} came from the edge, ${bytesText(group)} from your network, ${bytesText(outside)} from outside.`
  )
}

interface Curve {
  readonly from: Point
  readonly bend: Point
  readonly to: Point
}

/** A gentle bend to the side, so that opposite links do not fall on one line. */
function curveBetween(from: Point, to: Point): Curve {
  const dx = to.x - from.x
  const dy = to.y - from.y
  return { from, to, bend: { x: (from.x + to.x) / 2 - dy * 0.12, y: (from.y + to.y) / 2 + dx * 0.12 } }
}

function pointOn({ from, bend, to }: Curve, t: number): Point {
  const u = 1 - t
  return {
    x: u * u * from.x + 2 * u * t * bend.x + t * t * to.x,
    y: u * u * from.y + 2 * u * t * bend.y + t * t * to.y,
  }
}

/** Stroke width by rate: the root, so that 100 kbit/s is seen beside 10 Mbit/s. */
function widthOf(bytesPerSecond: number): number {
  if (bytesPerSecond <= 0) return 0
  return Math.min(12, 2 + Math.sqrt(bytesPerSecond / 6_000))
}
