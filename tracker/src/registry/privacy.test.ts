import { expect, test } from 'vitest'
import { readSites } from '../sites/read-sites.ts'
import { createLab, idOf } from './lab.ts'

const addresses = [
  '192.0.2.77',
  '192.0.2.77',
  '192.0.2.78',
  '10.20.30.40',
  '10.20.30.41',
  '2001:db8:77::1234',
]
/** As people, proxies and programs might write them. */
const traces = [
  '192.0.2.',
  '192-0-2',
  'c000024',
  '10.20.30',
  '0a141e',
  '2001:db8',
  '20010db8',
  '192,0,2',
  '10,20,30',
]

test('no message of ours to a viewer holds another’s address, in whatever spelling; a stranger’s is stripped', () => {
  const lab = createLab({ limits: { meshSize: 2, partners: 48 } })
  const read = readSites('site,cidr,wan\nhq,10.20.0.0/16,allow\n')
  if (read.ok) lab.registry.setSites(read.table)
  const clients = addresses.map(address => lab.open(address))
  const heard: string[] = []
  const listen = () => heard.push(...clients.flatMap(client => client.raw().map(raw => JSON.stringify(raw))))
  clients.forEach((client, i) => {
    client.announce(`p${i}`, { offers: i % 3, ours: { want: 8 } })
    listen()
  })
  lab.registry.setOverride('hq', { uploadKbps: 500 })
  lab.pass(3_000)
  listen()
  for (const [i, client] of clients.entries()) client.announce(`p${i}`, { ours: { want: 8, have: 1 } })
  clients[5]?.close()
  lab.pass(3_000)
  listen()
  clients[0]?.signal('p0', 'p1', {
    type: 'offer',
    offer: 'x',
    sdp: 'v=0\r\no=- 1 2 IN IP4 192.0.2.201\r\nc=IN IP4 10.20.30.9\r\na=candidate:1 1 udp 1 198.51.100.9 5000 typ host\r\n',
  })
  const [offer] = (clients[1]?.raw() ?? []) as { peer_id?: string; offer?: { sdp: string } }[]
  expect(offer?.peer_id).toBe(idOf('p0'))
  expect(offer?.offer?.sdp).not.toContain('198.51.100.9')

  expect(heard.length).toBeGreaterThan(15)
  for (const message of heard) {
    for (const trace of traces) expect(message.toLowerCase(), trace).not.toContain(trace)
  }
})
