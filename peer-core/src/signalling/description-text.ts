import type { ClientMessage } from './client-message.ts'

/**
 * Finds session descriptions in a message as the JSON text they came as, so that whoever relays one need not write
 * it anew: escaping 2 KB costs more than all the rest of relaying it. Reads only what clients write: a compact object
 * with the members in the usual order. Of anything else null comes back, which costs time and nothing else.
 *
 * `text` has been parsed as JSON already, so every token found here is valid; and since all members are walked from
 * the front, the last one of a name counts, and nothing nested is passed over unread, the tokens are the very ones
 * that the parser saw.
 */
export function descriptionTexts(text: string, type: ClientMessage['type']): readonly string[] | null {
  const wanted = type === 'announce' ? 'offers' : type
  let found: readonly string[] | null = null
  for (let at = 1; ; ) {
    if (text.charCodeAt(at) !== quote) return null
    const nameEnd = stringEnd(text, at)
    const name = text.slice(at + 1, nameEnd)
    if (text.charCodeAt(nameEnd + 1) !== colon) return null
    const value = nameEnd + 2
    const first = text.charCodeAt(value)
    let end: number
    if (first === quote) end = stringEnd(text, value) + 1
    else if (first === bracket || first === brace) {
      if (name !== wanted) return null
      const part = first === bracket ? readOffers(text, value) : readDescription(text, value, wanted)
      if (part === null) return null
      found = part.texts
      end = part.end
    } else end = scalarEnd(text, value)
    const next = text.charCodeAt(end)
    if (next !== comma) return next === braceEnd ? found : null
    at = end + 1
  }
}

interface Part {
  readonly texts: readonly string[]
  /** Index behind it. */
  readonly end: number
}

function readOffers(text: string, from: number): Part | null {
  const texts: string[] = []
  for (let at = from + 1; ; ) {
    if (!text.startsWith('{"offer":', at)) return null
    const offer = readDescription(text, at + 9, 'offer')
    if (offer === null || !text.startsWith(',"offer_id":"', offer.end)) return null
    texts.push(...offer.texts)
    const end = stringEnd(text, offer.end + 12) + 1
    if (text.charCodeAt(end) !== braceEnd) return null
    const next = text.charCodeAt(end + 1)
    if (next !== comma) return next === bracketEnd ? { texts, end: end + 2 } : null
    at = end + 2
  }
}

function readDescription(text: string, from: number, type: string): Part | null {
  const head = `{"type":"${type}","sdp":"`
  if (!text.startsWith(head, from)) return null
  const open = from + head.length - 1
  const close = stringEnd(text, open)
  if (text.charCodeAt(close + 1) !== braceEnd) return null
  return { texts: [text.slice(open, close + 1)], end: close + 2 }
}

/** Index of the quote that ends the string which begins with the quote at `open`. */
function stringEnd(text: string, open: number): number {
  for (let end = text.indexOf('"', open + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end - 1
    while (text.charCodeAt(before) === backslash) before--
    // An even number of backslashes escape each other, not the quote.
    if ((end - before) % 2 === 1) return end
  }
}

/** Index behind the number or literal at `from`; where something else stands, such as white space, that index itself. */
function scalarEnd(text: string, from: number): number {
  scalar.lastIndex = from
  return scalar.test(text) ? scalar.lastIndex : from
}

const scalar = /[-+.\w]+/y
const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const bracket = 0x5b
const backslash = 0x5c
const bracketEnd = 0x5d
const brace = 0x7b
const braceEnd = 0x7d
