/** The lab's address plan: one /24 outside, one /24 behind each router. */

/** Of edge, tracker and public STUN: a network for documentation (RFC 5737), public in the eyes of a browser. */
export const edgeAddress = '198.51.100.1'
export const outsideMask = 24
export const edgePort = 8080
export const trackerPort = 8081
export const lanStunPort = 3478

export const routerAddress = (office: number): string => `198.51.100.${10 + office}`
export const lanGateway = (office: number): string => `10.${office}.0.1`
export const lanServer = (office: number): string => `10.${office}.0.2`
export const viewerAddress = (office: number, viewer: number): string => `10.${office}.0.${11 + viewer}`

/** `*.localhost` is a secure context in every browser; the other is an intranet page as it is found in offices. */
export const secureHost = 'lab.localhost'
export const plainHost = 'video.intranet.test'
