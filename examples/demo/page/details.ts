import type { EdgeReason } from '@nearcast/peer-core'
import { sourceNames } from './marks.ts'
import type { View } from './observer.ts'
import { bytesText, rateText } from './units.ts'

const reasonTexts: Readonly<Record<EdgeReason, string>> = {
  alone: 'nobody else was there',
  start: 'the player started or sought',
  lease: 'our turn in the group',
  resume: 'went on where another stopped',
  tail: 'the deadline was near',
  backwards: 'helped a slow viewer from the end',
  unshared: 'may not be shared',
  rescue: 'no time was left',
  share: 'the neighbours’ uplinks cannot feed everybody',
  digest: 'digests',
}

/** The same facts as tables: for keyboards, screen readers, and copying. */
export function createDetails(peers: HTMLElement, reasons: HTMLElement): { update(view: View): void } {
  return {
    update(view) {
      if (peers.closest('details')?.open) peers.replaceChildren(...peerRows(view))
      if (reasons.closest('details')?.open) reasons.replaceChildren(...reasonRows(view))
    },
  }
}

function peerRows(view: View): HTMLElement[] {
  if (view.peers.length === 0) return [row(['No peers yet', '', '', '', '', ''])]
  return view.peers.map(peer =>
    row([
      peer.label,
      peer.place === 'group' ? sourceNames.group.short : sourceNames.outside.short,
      peer.route || '–',
      peer.rttMs > 0 ? `${peer.rttMs.toFixed(1)} ms` : '–',
      `${bytesText(peer.receivedBytes)} (${rateText(peer.inBps)})`,
      `${bytesText(peer.sentBytes)} (${rateText(peer.outBps)})`,
    ]),
  )
}

function reasonRows(view: View): HTMLElement[] {
  const totals = new Map<EdgeReason, { count: number; bytes: number }>()
  for (const fetch of view.swarm?.edgeFetches ?? []) {
    const total = totals.get(fetch.reason) ?? { count: 0, bytes: 0 }
    totals.set(fetch.reason, { count: total.count + 1, bytes: total.bytes + fetch.bytes })
  }
  if (totals.size === 0) return [row(['Not asked yet', '', ''])]
  return [...totals].map(([reason, { count, bytes }]) =>
    row([reasonTexts[reason], String(count), bytesText(bytes)]),
  )
}

function row(cells: readonly string[]): HTMLElement {
  const element = document.createElement('tr')
  element.append(
    ...cells.map((text, index) => {
      const cell = document.createElement(index === 0 ? 'th' : 'td')
      if (index === 0) cell.setAttribute('scope', 'row')
      cell.textContent = text
      return cell
    }),
  )
  return element
}
