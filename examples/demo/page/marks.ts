import type { Source } from './observer.ts'
import { svg } from './svg.ts'

/** How a source is called, and what it means. The colour is a class: `source-edge` and so on. */
export const sourceNames: Readonly<Record<Source, { readonly short: string; readonly long: string }>> = {
  edge: { short: 'Edge', long: 'From the edge, for this viewer' },
  lease: { short: 'Edge, my turn', long: 'From the edge, fetched by this viewer for the whole group' },
  group: { short: 'Group', long: 'From a viewer on the same network' },
  outside: { short: 'Outside', long: 'From a viewer on another network' },
}

/**
 * The mark of a source, `size` wide around (0, 0). Each has a shape of its own, so that nothing rests on colour: square for the
 * edge, square with a ring for a lease, circle for the group, diamond for outside.
 */
export function sourceMark(source: Source, size: number): SVGElement {
  const half = size / 2
  const square = (side: number, hollow: boolean) =>
    svg('rect', {
      x: -side / 2,
      y: -side / 2,
      width: side,
      height: side,
      rx: side * 0.18,
      class: hollow ? 'mark-hollow' : 'mark',
    })
  switch (source) {
    case 'edge':
      return square(size * 0.86, false)
    case 'lease':
      return svg('g', {}, square(size, true), square(size * 0.42, false))
    case 'group':
      return svg('circle', { r: half, class: 'mark' })
    case 'outside':
      return svg('path', {
        d: `M0 ${-half * 1.2}L${half * 1.2} 0L0 ${half * 1.2}L${-half * 1.2} 0Z`,
        class: 'mark',
      })
  }
}

/** A mark on its own, for legends. */
export function markIcon(source: Source): SVGSVGElement {
  return svg(
    'svg',
    { viewBox: '-8 -8 16 16', width: 14, height: 14, class: `icon source-${source}`, 'aria-hidden': 'true' },
    sourceMark(source, 11),
  )
}
