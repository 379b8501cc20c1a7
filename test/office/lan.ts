import type { Namespace } from './namespace.ts'

/** A switch: one bridge in a namespace, and cables to others. */
export interface Lan {
  /** Plugs a namespace in as `device` with this address; returns the name of the port at the switch. */
  connect(host: Namespace, device: string, address: string): string
}

export function createLan(at: Namespace, bridge: string, address: string): Lan {
  // Where the module is loaded, its hooks would send bridged frames through the router's forward rules.
  at.sysctl('net.bridge.bridge-nf-call-iptables', '0')
  at.ip('link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0')
  at.ip('addr', 'add', address, 'dev', bridge)
  at.ip('link', 'set', bridge, 'up')
  at.sysctl('net.bridge.bridge-nf-call-iptables', '0')
  let ports = 0
  return {
    connect(host, device, hostAddress) {
      const port = `${bridge}p${ports++}`
      at.ip('link', 'add', port, 'type', 'veth', 'peer', 'name', device, 'netns', host.name)
      at.ip('link', 'set', port, 'master', bridge, 'up')
      host.ip('addr', 'add', hostAddress, 'dev', device)
      host.ip('link', 'set', device, 'up')
      return port
    },
  }
}

/** What many companies' access points do: no multicast from one station to another. Broadcast (ARP) passes. */
export function blockMulticast(at: Namespace): void {
  at.exec(
    'nft',
    ['-f', '-'],
    `table bridge isolation {
      chain forward {
        type filter hook forward priority 0; policy accept;
        ether daddr ff:ff:ff:ff:ff:ff accept
        meta pkttype multicast drop
        ip daddr 224.0.0.0/4 drop
      }
    }`,
  )
}
