/**
 * The lab's address plan: one network outside, one /24 behind each router. Outside each router has a /16 of its own, for
 * trackers take near addresses for near viewers; the networks for documentation are too small for that. Nothing of
 * it leaves the namespaces.
 */

/** Of edge, tracker and public STUN: a public address in the eyes of a browser. */
export const edgeAddress = '20.0.0.1'
export const outsideMask = 8
export const edgePort = 8080
export const trackerPort = 8081
export const lanStunPort = 3478

/** By address: WebRTC asks the system's resolver, which knows nothing of the browser's host rules. */
export const publicStun = `stun:${edgeAddress}:${trackerPort}`

export const routerAddress = (office: number): string => `20.${10 + office}.0.2`
export const lanGateway = (office: number): string => `10.${office}.0.1`
export const lanServer = (office: number): string => `10.${office}.0.2`
export const viewerAddress = (office: number, viewer: number): string => `10.${office}.0.${11 + viewer}`

/** `*.localhost` is a secure context in every browser; the other is an intranet page as it is found in offices. */
export const secureHost = 'lab.localhost'
export const plainHost = 'video.intranet.test'
