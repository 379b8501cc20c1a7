export const proxyNames = ['haproxy', 'nginx'] as const
export type ProxyName = (typeof proxyNames)[number]

/** What differs between this machine and the one that the example is written for. */
export interface Fitting {
  readonly port: number
  /** Ports of the nodes, in the order of the file. */
  readonly nodes: readonly number[]
  /** The lines for TLS come in force as well. @default they do not */
  readonly tls?: Tls
  /** Whether the lines for the PROXY protocol replace those before them. @default false */
  readonly behindTcpBalancer?: boolean
  /** Time between HAProxy's health checks. @default as the example has it */
  readonly checkInterval?: string
}

export interface Tls {
  readonly port: number
  /** Path of a PEM file with certificate and key. */
  readonly pem: string
}

type Edit = readonly [pattern: RegExp, replacement: string]

/**
 * The example's own configuration with other ports. Whatever is to be replaced must be there, so that the example and
 * what is tested cannot come apart.
 */
export function fitConfig(name: ProxyName, text: string, fitting: Fitting): string {
  const nodePorts = fitting.nodes.map((at, n): Edit => {
    return [new RegExp(`^( +server .*\\b127\\.0\\.0\\.1:)${8081 + n}\\b`, 'gm'), `$1${at}`]
  })
  const edits = [...(name === 'nginx' ? nginxEdits : haproxyEdits)(fitting), ...nodePorts]
  return edits.reduce((fitted, [pattern, replacement]) => {
    if (fitted.search(pattern) < 0)
      throw new Error(`the configuration of ${name} has nothing like ${pattern}`)
    return fitted.replace(pattern, replacement)
  }, text)
}

function* nginxEdits({ port, tls, behindTcpBalancer = false }: Fitting): Generator<Edit> {
  const protocol = behindTcpBalancer ? ' proxy_protocol' : ''
  yield [/^ {4}listen 80;$/m, `    listen 127.0.0.1:${port}${protocol};`]
  if (behindTcpBalancer) {
    yield [/^ {4}#set_real_ip_from 10\.0\.0\.0\/8;$/m, '    set_real_ip_from 127.0.0.1;']
    yield [/^ {4}#(real_ip_header proxy_protocol;)$/m, '    $1']
  }
  if (tls === undefined) return
  yield [/^ {4}#listen 443 (ssl .*)$/m, `    listen 127.0.0.1:${tls.port} $1`]
  yield [/^ {4}#(ssl_certificate(?:_key)?) .*;$/gm, `    $1 ${tls.pem};`]
  yield [/^ {4}#(ssl_session_cache .*)$/m, '    $1']
}

function* haproxyEdits({ port, tls, checkInterval, behindTcpBalancer = false }: Fitting): Generator<Edit> {
  const protocol = behindTcpBalancer ? ' accept-proxy' : ''
  yield [/^ {4}bind :80$/m, `    bind 127.0.0.1:${port}${protocol}`]
  if (checkInterval !== undefined) yield [/\bcheck inter 1s\b/, `check inter ${checkInterval}`]
  if (tls !== undefined)
    yield [/^ {4}#bind :443 ssl crt \S+ (alpn .*)$/m, `    bind 127.0.0.1:${tls.port} ssl crt ${tls.pem} $1`]
}
