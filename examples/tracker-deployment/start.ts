/** Two trackers behind a proxy: `npm start -w @nearcast/example-tracker-deployment [-- nginx|haproxy] [-- --port 8080]`. */
import { parseArgs } from 'node:util'
import { type Deployment, startDeployment } from './deployment.ts'
import { isInstalled, type ProxyName, proxyNames } from './proxy.ts'

const { port, name } = commandLine()
const starting = startDeployment({ proxy: name, port })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
try {
  console.log(describe(await starting))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

async function stop(): Promise<void> {
  const deployment = await starting.catch(() => null)
  console.log('Draining both nodes …')
  await deployment?.close()
  console.log('Stopped.')
  process.exit(0)
}

function describe({ url, nodes, redis }: Deployment): string {
  const rows = nodes.map(({ name: node, port: at, child }) => {
    return `  node ${node}  http://127.0.0.1:${at}/healthz  (process ${child.pid})`
  })
  const joined = redis === null ? 'each alone, since no redis-server is installed' : `joined by ${redis}`
  return [
    `Two trackers behind ${name}, ${joined}.`,
    `Viewers announce at ${url}`,
    ...rows,
    'Ctrl-C drains both and stops.',
  ].join('\n')
}

function commandLine(): { readonly port: number; readonly name: ProxyName } {
  const { values, positionals } = parseArgs({
    options: { port: { type: 'string', default: '8080' } },
    allowPositionals: true,
  })
  const [wanted] = positionals
  const known = proxyNames.find(proxy => proxy === wanted)
  if (wanted !== undefined && known === undefined) {
    console.error(`"${wanted}" is no proxy that this example knows: give nginx or haproxy.`)
    process.exit(2)
  }
  const installed = known ?? proxyNames.find(isInstalled)
  if (installed === undefined || !isInstalled(installed)) {
    console.error(`${known ?? 'No proxy'} is not installed: apt-get install ${known ?? 'nginx-light'}`)
    process.exit(1)
  }
  return { port: Number(values.port), name: installed }
}
