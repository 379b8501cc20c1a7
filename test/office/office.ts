import { lanGateway, lanServer, viewerAddress } from './addresses.ts'
import { type Internet, startServer } from './internet.ts'
import { blockMulticast } from './lan.ts'
import { createNamespace, type Namespace } from './namespace.ts'
import { createRouter, type Router } from './router.ts'

/** Desks behind one router. */
export interface Office {
  readonly index: number
  readonly router: Router
  /** A machine of its own on the LAN, ready for a browser. */
  addDesk(): Namespace
  /** Removes router, desks and whatever runs there. */
  close(): void
}

export interface OfficeOptions {
  /** Multicast from desk to desk is filtered. */
  readonly multicastBlocked: boolean
  /** A STUN server on the LAN, as the tracker brings one when it runs in the office. */
  readonly lanStun: boolean
}

export async function openOffice(
  internet: Internet,
  index: number,
  { multicastBlocked, lanStun }: OfficeOptions,
): Promise<Office> {
  const router = createRouter(internet, index)
  if (multicastBlocked) blockMulticast(router.namespace)
  const machines: Namespace[] = []
  let desks = 0
  const add = (role: string, address: string): Namespace => {
    const namespace = createNamespace(role)
    machines.push(namespace)
    router.lan.connect(namespace, 'eth0', `${address}/24`)
    // Without a default route Chromium gathers no candidates at all.
    namespace.ip('route', 'add', 'default', 'via', lanGateway(index))
    return namespace
  }
  if (lanStun) await startServer(add(`stun${index}`, lanServer(index)), { type: 'stun' })
  return {
    index,
    router,
    addDesk() {
      const desk = desks++
      return add(`desk${index}.${desk}`, viewerAddress(index, desk))
    },
    close() {
      for (const namespace of [...machines, router.namespace]) namespace.remove()
    },
  }
}
