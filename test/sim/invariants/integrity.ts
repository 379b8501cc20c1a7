import type { Output } from '../../../peer-core/src/core/events.ts'
import { blockBytes } from '../../../peer-core/src/core/messages.ts'
import type { HostView, Payload } from '../host.ts'
import { blocksOf, type Holding, hasRange, isProven, isWhole } from '../shelf.ts'
import type { Invariant, Report } from './violation.ts'

/** No unverified byte is played or relayed when the publisher gave a root; nothing is given that is not here. */
export function bytesAreProven(report: Report): Invariant {
  return {
    output(host, _now, output, payload) {
      switch (output.type) {
        case 'accept':
          return checkAccept(report, host, output, payload)
        case 'verify':
          return checkVerify(report, host, output)
        case 'send':
          return checkSend(report, host, output)
        case 'deliver':
          return checkDeliver(report, host, output)
        case 'store':
          return checkStore(report, host, output)
        default:
          return
      }
    },
  }
}

type Of<T extends Output['type']> = Extract<Output, { type: T }>

function checkAccept(report: Report, host: HostView, output: Of<'accept'>, payload: Payload | null): void {
  const { key, offset, length } = output
  if (payload === null) return report(host, 'accept', `${key}: accepts bytes when none came`)
  if (offset < payload.offset || offset + length > payload.offset + payload.length) {
    report(
      host,
      'accept',
      `${key}: accepts ${offset}+${length} of a payload of ${payload.offset}+${payload.length}`,
    )
  }
}

function checkVerify(report: Report, host: HostView, output: Of<'verify'>): void {
  if (output.what === 'hashes') return
  const holding = host.shelf.holding(output.key)
  const from = output.first * blockBytes
  if (holding === undefined) return report(host, 'verify', `${output.key}: verifies what is not here`)
  const to = Math.min(from + output.count * blockBytes, holding.segment.size)
  if (!hasRange(holding.ranges, from, to)) {
    report(host, 'verify', `${output.key}: verifies [${from}, ${to}), not all of which is here`)
  }
  if (holding.segment.root !== '' && holding.segment.size > blockBytes && holding.hashes !== 'proven') {
    report(host, 'verify', `${output.key}: verifies blocks without a proven hash list`)
  }
}

function checkSend(report: Report, host: HostView, output: Of<'send'>): void {
  const { message, key } = output
  if (message.type === 'hashes') {
    if (key === null || host.shelf.holding(key)?.hashes !== 'proven') {
      report(host, 'relay', `${key}: relays a hash list that is not proven`)
    }
    return
  }
  if (message.type !== 'piece') return
  const holding = key === null ? undefined : host.shelf.holding(key)
  const end = message.offset + message.length
  if (holding === undefined || !hasRange(holding.ranges, message.offset, end)) {
    return report(host, 'relay', `${key}: gives [${message.offset}, ${end}), which is not here`)
  }
  if (holding.segment.root === '' || host.integrity() === 'off') return
  for (const block of blocksOf(message.offset, message.length)) {
    if (holding.wrong.has(block)) report(host, 'relay', `${key}: relays wrong bytes in block ${block}`)
    else if (!holding.verified.has(block)) report(host, 'relay', `${key}: relays block ${block} unverified`)
  }
}

function checkDeliver(report: Report, host: HostView, output: Of<'deliver'>): void {
  const holding = host.shelf.holding(output.key)
  if (holding === undefined || !isWhole(holding)) {
    return report(host, 'deliver', `${output.key}: delivers bytes that are not here`)
  }
  const sum = output.edgeBytes + output.groupBytes + output.outsideBytes
  if (output.size !== holding.segment.size || sum !== output.size) {
    report(
      host,
      'deliver',
      `${output.key}: ${holding.segment.size} bytes told as ${output.size}, by source ${sum}`,
    )
  }
  if (output.verified && holding.segment.root !== '' && !isProven(holding)) {
    report(host, 'deliver', `${output.key}: says verified, ${holding.verified.size} blocks are`)
  }
  checkClean(report, host, holding, 'delivers')
}

function checkStore(report: Report, host: HostView, output: Of<'store'>): void {
  const holding = host.shelf.holding(output.key)
  if (holding === undefined || !isWhole(holding)) {
    return report(host, 'store', `${output.key}: stores bytes that are not here`)
  }
  checkClean(report, host, holding, 'stores')
}

/** Wrong bytes never pass under a root. Bytes of peers must be proven; the edge's own may be played before. */
function checkClean(report: Report, host: HostView, holding: Holding, does: string): void {
  const { root, key } = holding.segment
  if (root === '' || host.integrity() === 'off') return
  for (const block of holding.wrong)
    report(host, 'wrong-bytes', `${key}: ${does} wrong bytes in block ${block}`)
  if (host.integrity() !== 'required') return
  for (const block of holding.fromPeers) {
    if (!holding.verified.has(block))
      report(host, 'unverified', `${key}: ${does} block ${block} of a peer unverified`)
  }
}
