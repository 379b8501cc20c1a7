import type { Figures } from '../../src/reports/figures.ts'

type Word = keyof Figures['peering']

/** What each word means to an operator; `good` and `calm` need nobody's attention. */
const words: Readonly<Record<Word, { readonly name: string; readonly help: string; readonly tone: Tone }>> = {
  ok: { name: 'connected', help: 'Linked with at least one peer.', tone: 'good' },
  alone: { name: 'alone', help: 'Nobody else watches this content now.', tone: 'calm' },
  connecting: { name: 'connecting', help: 'Peers are being looked for.', tone: 'calm' },
  'policy-off': { name: 'off by policy', help: 'A rule of yours switches sharing off.', tone: 'calm' },
  'no-digests': {
    name: 'no digests',
    help: 'Integrity is required and the publisher gives no digests: everything comes from the edge.',
    tone: 'bad',
  },
  'mdns-blocked': {
    name: 'mDNS blocked',
    help: 'The network drops multicast DNS. Run STUN inside it, or let UDP 5353 pass between clients.',
    tone: 'bad',
  },
  'udp-blocked': {
    name: 'UDP blocked',
    help: 'STUN does not answer. Let UDP pass to it and between clients.',
    tone: 'bad',
  },
  'local-network-denied': {
    name: 'LNA denied',
    help: 'The browser may not reach the local network: the permission was denied. Allow it by policy.',
    tone: 'bad',
  },
  'local-network-prompt': {
    name: 'LNA not asked',
    help: 'The browser hides local addresses until local network access is granted.',
    tone: 'bad',
  },
  'ice-failed': {
    name: 'no route',
    help: 'Peers were found and no path to them: client isolation, a firewall or strict NAT.',
    tone: 'bad',
  },
  'no-answer': { name: 'no answer', help: 'Peers were named and none answered.', tone: 'bad' },
}

type Tone = 'good' | 'calm' | 'bad'

const marks: Readonly<Record<Tone, string>> = { good: '●', calm: '○', bad: '▲' }

/** How the viewers there now stand; and who was in trouble in the window and is not there any more. */
export function peeringChips({ peering, came }: Pick<Figures, 'peering' | 'came'>): readonly HTMLElement[] {
  const chips = (Object.keys(words) as Word[]).flatMap(word => {
    const now = peering[word] ?? 0
    const earlier = words[word].tone === 'bad' && now === 0 ? (came[word] ?? 0) : 0
    if (now === 0 && earlier === 0) return []
    const { name, help, tone } = words[word]
    const chip = document.createElement('li')
    chip.className = `chip chip-${now > 0 ? tone : 'past'}`
    chip.title = now > 0 ? help : `${help} ${earlier} × in this time, nobody now.`
    const mark = document.createElement('span')
    mark.ariaHidden = 'true'
    mark.textContent = now > 0 ? marks[tone] : '△'
    chip.append(mark, ` ${now > 0 ? now : earlier} ${name}${now > 0 ? '' : ' earlier'}`)
    return [chip]
  })
  return chips
}
