import { edgeAddress, lanGateway, outsideMask, routerAddress } from './addresses.ts'
import { countingRules, type LineCount, readCounters } from './counter.ts'
import type { Internet } from './internet.ts'
import { createLan, type Lan } from './lan.ts'
import { type LineEnd, shapeLine } from './line.ts'
import { createNamespace, type Namespace } from './namespace.ts'

/** An office's or home's router: NAT (masquerade), a stateful firewall, a LAN, and a metered line. */
export interface Router {
  readonly namespace: Namespace
  readonly lan: Lan
  /** The address behind which all of the office appear. */
  readonly publicAddress: string
  count(): LineCount
  /** kbit/s each way; 0: as fast as it goes. */
  setLine(kbps: number): void
}

const table = 'office'

export function createRouter(internet: Internet, office: number): Router {
  const namespace = createNamespace(`router${office}`)
  const publicAddress = routerAddress(office)
  const port = internet.lan.connect(namespace, 'wan', `${publicAddress}/${outsideMask}`)
  namespace.sysctl('net.ipv4.ip_forward', '1')
  const lan = createLan(namespace, 'lan', `${lanGateway(office)}/24`)
  namespace.exec('nft', ['-f', '-'], rules())
  const ends: readonly LineEnd[] = [
    { at: internet.namespace, device: port },
    { at: namespace, device: 'wan' },
  ]
  return {
    namespace,
    lan,
    publicAddress,
    count: () => readCounters(namespace, table),
    setLine: kbps => shapeLine(ends, kbps),
  }
}

/** Inbound strangers must not even leave a conntrack entry: it would take the port that hole punching needs. */
function rules(): string {
  return `table ip ${table} {
    ${countingRules()}
    chain forward {
      type filter hook forward priority 0; policy drop;
      ct state established,related accept
      iifname "lan" oifname "wan" accept
    }
    chain input {
      type filter hook input priority 0; policy drop;
      iifname { "lan", "lo" } accept
      ip saddr ${edgeAddress} icmp type echo-request accept
    }
    chain translate {
      type nat hook postrouting priority 100;
      oifname "wan" masquerade
    }
  }`
}
