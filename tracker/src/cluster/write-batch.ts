import { writeRule } from '../policy/read-policies.ts'
import type { NodeId, NodeMessage } from './node-message.ts'

/** Several messages as one publish. */
export function writeBatch(from: NodeId, messages: readonly string[]): string {
  return `{"v":1,"from":${JSON.stringify(from)},"messages":[${messages.join(',')}]}`
}

/** Descriptions are JSON strings already and go in as they are: escaping 2 KB anew costs more than all the rest. */
export function writeNodeMessage(message: NodeMessage): string {
  switch (message.type) {
    case 'ask': {
      const { offers, ...rest } = message
      const placed = offers.map(
        ({ offerId, sdpJson }) => `{"offerId":${JSON.stringify(offerId)},"sdp":${sdpJson}}`,
      )
      return `${JSON.stringify(rest).slice(0, -1)},"offers":[${placed.join(',')}]}`
    }
    case 'signal': {
      const { signal, ...rest } = message
      const body =
        signal.type === 'candidates'
          ? JSON.stringify(signal)
          : `{"type":"${signal.type}","sdp":${signal.sdpJson}}`
      return `${JSON.stringify(rest).slice(0, -1)},"signal":${body}}`
    }
    case 'rules':
      return JSON.stringify({ ...message, rules: message.rules.map(writeRule) })
    case 'reply':
    case 'count':
    case 'claim':
    case 'held':
    case 'hello':
    case 'bye':
      return JSON.stringify(message)
  }
}
