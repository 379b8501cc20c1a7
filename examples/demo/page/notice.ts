/** What to say when there are no peers. */
export interface Verdict {
  readonly title: string
  readonly remedy: string
  /** Whether a second window would help. */
  readonly alone: boolean
}

/** The panel under the graph: why there are no peers, and what helps. Written only when it changes, so that it is read once. */
export function createNotice(panel: HTMLElement): { show(verdict: Verdict | null): void } {
  let shown = ''
  return {
    show(verdict) {
      const state = JSON.stringify([verdict, location.href])
      if (state === shown) return
      shown = state
      panel.hidden = verdict === null
      if (!verdict) return panel.replaceChildren()
      const title = document.createElement('strong')
      title.textContent = verdict.title
      panel.replaceChildren(title, ' ', verdict.remedy)
      if (verdict.alone) panel.append(' ', secondWindow())
    },
  }
}

function secondWindow(): HTMLElement {
  const link = document.createElement('a')
  link.href = location.href
  link.target = '_blank'
  link.rel = 'noopener'
  link.textContent = 'Open a second window'
  return link
}
