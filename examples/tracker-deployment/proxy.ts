import { spawn, spawnSync } from 'node:child_process'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Fitting, fitConfig, type ProxyName } from './fit-config.ts'

export { type ProxyName, proxyNames } from './fit-config.ts'

export interface ProxyOptions extends Fitting {
  readonly name: ProxyName
  /** All that it writes goes there. */
  readonly folder: string
}

export interface Proxy {
  close(): Promise<void>
}

/** What surrounds the example's file on a real machine: the distribution's own configuration. */
const surroundings: Readonly<Record<ProxyName, (folder: string) => string>> = {
  nginx: folder => `
    worker_processes 1;
    pid ${folder}/nginx.pid;
    error_log stderr crit;
    events { worker_connections 4096; }
    http {
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${folder}/${kind};`).join('\n')}
      include ${folder}/nearcast.conf;
    }
  `,
  haproxy: () => 'global\n    maxconn 4096\n',
}

const commands: Readonly<Record<ProxyName, (folder: string) => readonly string[]>> = {
  nginx: folder => ['-p', folder, '-e', 'stderr', '-g', 'daemon off;', '-c', `${folder}/surroundings`],
  haproxy: folder => ['-db', '-q', '-f', `${folder}/surroundings`, '-f', `${folder}/nearcast.conf`],
}

export function isInstalled(name: ProxyName): boolean {
  return spawnSync(name, ['-v'], { env: environment() }).status === 0
}

/** Starts it with the example's configuration, fitted to the ports of now. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const { name, folder, port, behindTcpBalancer = false } = options
  const file = name === 'nginx' ? 'nginx.conf' : 'haproxy.cfg'
  const example = await readFile(join(import.meta.dirname, file), 'utf8')
  await writeFile(join(folder, 'nearcast.conf'), fitConfig(name, example, options))
  await writeFile(join(folder, 'surroundings'), surroundings[name](folder))
  // Started by root, nginx works as nobody, who must get through.
  await chmod(folder, 0o711)
  const child = spawn(name, commands[name](folder), {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: environment(),
    detached: true,
  })
  const exit = new Promise(resolve => child.once('close', resolve))
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await exit
  }
  for (let tries = 0; !(await isUp(port, behindTcpBalancer)); tries++) {
    if (tries < 200 && child.exitCode === null) {
      await pause(25)
      continue
    }
    await close()
    throw new Error(`${name} does not start on port ${port}`)
  }
  return { close }
}

/** Whether it passes a request on to a node that is ready. */
function isUp(port: number, behindTcpBalancer: boolean): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.setTimeout(5_000, () => socket.destroy())
    socket.on('data', data => {
      answer += data
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(/^HTTP\/1\.1 200 /.test(answer)))
    if (behindTcpBalancer) socket.write('PROXY TCP4 127.0.0.1 127.0.0.1 50000 80\r\n')
    socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  })
}

/** Debian has both where only root looks. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` }
}
