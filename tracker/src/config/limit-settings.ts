import { defaultLimits, type RegistryLimits } from '../registry/limits.ts'
import { type Setting, whole } from './setting.ts'

/** What one client may cost: the registry's limits, each with the range in which it makes sense. */
export const limitSettings = {
  connectionsPerAddress: limit('connectionsPerAddress', 'sockets', 1, {
    about:
      'Sockets of one public address. A school is one address. Private addresses are not counted: they are a proxy or a lab.',
    endless: true,
  }),
  membershipsPerConnection: limit('membershipsPerConnection', 'swarms', 1, {
    about: 'Swarms that one socket may join. A page shares one socket among its swarms.',
    max: 10_000,
  }),
  messagesPerSecond: limit('messagesPerSecond', 'messages', 1, {
    about: 'Messages a second and socket, long run; signals to named peers count a fifth.',
    endless: true,
  }),
  messageBurst: limit('messageBurst', 'messages', 10, {
    about: 'Messages at once. A newcomer to a full mesh of 24 sends about 100 signals.',
    endless: true,
  }),
  firstMessageMs: limit('firstMessageMs', 'ms', 100, {
    about: 'Time to the first valid announce; a socket that says nothing is closed.',
    max: 600_000,
  }),
  offerMs: limit('offerMs', 'ms', 1_000, {
    about: 'How long an offer may be answered. The reference client gives up after 50 s.',
    max: 600_000,
  }),
  openOffersPerPeer: limit('openOffersPerPeer', 'offers', 1, {
    about: 'Offers waiting at one receiver. More let more newcomers meet one peer at once, and cost memory.',
    max: 10_000,
  }),
  candidateMessages: limit('candidateMessages', 'messages', 1, {
    about: 'Messages with ICE candidates for one offer, each direction.',
    max: 1_000,
  }),
  partnerMs: limit('partnerMs', 'ms', 0, {
    about: 'How long two peers once matched are not matched again; 0: at once again.',
    max: 86_400_000,
  }),
  partners: limit('partners', 'peers', 2, {
    about: 'Partners remembered of each peer; also who may be dialled directly. Must exceed limits.meshSize.',
    max: 1_000,
  }),
  meshSize: limit('meshSize', 'peers', 2, {
    about: 'Group size up to which everybody is linked with everybody; a larger one gets a backbone.',
    max: 200,
  }),
  crossLanLinks: limit('crossLanLinks', 'neighbours', 0, {
    about:
      'Neighbours named in another private network behind the same address, while nobody knows whether the two reach each other.',
    max: 100,
  }),
  farLinks: limit('farLinks', 'links', 0, {
    about: 'Links that leave the group, at most, when the group is not empty; 0: none.',
    max: 50,
  }),
  claimMs: limit('claimMs', 'ms', 100, {
    about: 'How long the holder of a disputed peer_id has to answer a ping.',
    max: 60_000,
  }),
  groupPushMs: limit('groupPushMs', 'ms', 10, {
    about: 'Least time between two size announcements to one group; a tenth of it while the group is a mesh.',
    max: 60_000,
  }),
  tokenGraceMs: limit('tokenGraceMs', 'ms', 0, {
    about: 'How long a membership outlives its join token: time to bring a new one.',
    max: 86_400_000,
  }),
} satisfies Record<keyof RegistryLimits, Setting<number>>

function limit(
  name: keyof RegistryLimits,
  unit: string,
  min: number,
  words: { readonly about: string } & ({ readonly max: number } | { readonly endless: true }),
): Setting<number> {
  const max = 'max' in words ? words.max : Number.POSITIVE_INFINITY
  return whole({ about: words.about, default: defaultLimits[name], unit, min, max })
}
