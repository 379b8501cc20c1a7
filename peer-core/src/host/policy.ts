import type { Integrity, Policy } from '../core/events.ts'
import type { Mode } from '../core/messages.ts'

/** From freest to strictest. */
const modes: readonly Mode[] = ['share', 'leech', 'off']
const integrities: readonly Integrity[] = ['off', 'audit', 'prefer', 'required']

export const defaultPolicy: Policy = {
  mode: 'share',
  wan: 'allow',
  integrity: 'prefer',
  lineKbps: 0,
  uploadKbps: 0,
  groupSize: 0,
}

/** What the site owner allows and what the operator pushed: of each the stricter. */
export function combinePolicy(own: Policy, pushed: Partial<Policy>): Policy {
  return {
    mode: strictest(modes, own.mode, pushed.mode),
    wan: own.wan === 'deny' || pushed.wan === 'deny' ? 'deny' : 'allow',
    integrity: strictest(integrities, own.integrity, pushed.integrity),
    lineKbps: pushed.lineKbps || own.lineKbps,
    uploadKbps: lowestCap(own.uploadKbps, pushed.uploadKbps ?? 0),
    groupSize: pushed.groupSize ?? own.groupSize,
    role: pushed.role ?? own.role ?? 'mesh',
    epoch: pushed.epoch ?? own.epoch ?? 0,
  }
}

export function samePolicy(a: Policy, b: Policy): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function strictest<T>(order: readonly T[], own: T, pushed: T | undefined): T {
  return pushed !== undefined && order.indexOf(pushed) > order.indexOf(own) ? pushed : own
}

/** 0 stands for no cap. */
function lowestCap(a: number, b: number): number {
  return a === 0 ? b : b === 0 ? a : Math.min(a, b)
}
