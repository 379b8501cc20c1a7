import type { View } from './observer.ts'
import { bytesText, percentText, secondsText } from './units.ts'

export interface Playing {
  readonly live: boolean
  /** Seconds behind the live edge; null while unknown. */
  readonly latency: number | null
  /** Seconds buffered ahead of the playhead. */
  readonly buffered: number
  /** Copies of each segment that left the edge for this stream, all viewers together; null while unknown. */
  readonly copies: number | null
}

type FigureName = 'share' | 'copies' | 'delay' | 'verified' | 'given' | 'control'

interface Figure {
  readonly label: string
  readonly value: string
  readonly note: string
}

/** The figures under the picture: a definition list, changed in place, silent for screen readers. */
export function createFigures(list: HTMLElement): { update(view: View | null, playing: Playing): void } {
  const tiles = new Map<FigureName, { value: HTMLElement; note: HTMLElement; label: HTMLElement }>()
  for (const name of ['share', 'copies', 'delay', 'verified', 'given', 'control'] as const) {
    const tile = document.createElement('div')
    tile.className = `figure figure-${name}`
    const label = document.createElement('dt')
    const value = document.createElement('dd')
    const note = document.createElement('dd')
    value.className = 'value'
    note.className = 'note'
    tile.append(label, value, note)
    list.append(tile)
    tiles.set(name, { label, value, note })
  }
  return {
    update(view, playing) {
      for (const [name, tile] of tiles) {
        const figure = figureOf(name, view, playing)
        write(tile.label, figure.label)
        write(tile.value, figure.value)
        write(tile.note, figure.note)
      }
    },
  }
}

function figureOf(name: FigureName, view: View | null, playing: Playing): Figure {
  const bytes = view?.swarm?.bytes
  switch (name) {
    case 'share': {
      const value = view?.peerShare == null ? '–' : percentText(view.peerShare)
      const all = view ? view.taken.edge + view.taken.group + view.taken.outside : 0
      const taken = view ? `${bytesText(view.taken.group + view.taken.outside)} of ${bytesText(all)}` : ''
      return { label: 'From peers', value, note: taken }
    }
    case 'copies':
      return {
        label: 'Copies from the edge',
        value: playing.copies === null ? '–' : playing.copies.toFixed(2),
        note: 'all viewers together',
      }
    case 'delay':
      return playing.live
        ? {
            label: 'Behind live',
            value: playing.latency === null ? '–' : secondsText(playing.latency),
            note: `${secondsText(playing.buffered)} buffered`,
          }
        : { label: 'Buffered', value: secondsText(playing.buffered), note: 'ahead of the playhead' }
    case 'verified': {
      const verification = view?.swarm?.verification
      if (!verification) return { label: 'Verified', value: '–', note: '' }
      const note =
        verification.digests === 'present'
          ? `SHA-256 (${verification.hasher})${verification.banned > 0 ? ` · ${verification.banned} banned` : ''}`
          : verification.digests === 'absent'
            ? 'no digests from this edge'
            : 'digests not seen yet'
      const share = view?.verifiedShare ?? null
      return { label: 'Verified', value: share === null ? '–' : percentText(share), note }
    }
    case 'given':
      return {
        label: 'Given to others',
        value: bytes ? bytesText(bytes.uploaded) : '–',
        note: givenNote(view),
      }
    case 'control':
      return {
        label: 'Control',
        value: bytes ? bytesText(bytes.control + bytes.digests) : '–',
        note: bytes ? `of it digests ${bytesText(bytes.digests)}` : '',
      }
  }
}

/** What the mode in force means, which policy or the browser may have restricted below the one chosen. */
function givenNote(view: View | null): string {
  if (!view?.swarm) return ''
  const modes = [view.swarm.mode, view.swarm.policy.mode]
  if (modes.includes('off')) return 'sharing is off'
  return modes.includes('leech')
    ? 'takes only'
    : `to ${view.peers.length === 1 ? '1 peer' : `${view.peers.length} peers`}`
}

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
