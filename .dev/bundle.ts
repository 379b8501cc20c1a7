import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

const require = createRequire(join(root, 'peer-core/package.json'))
const shim = (file: string) => join(root, '.dev/shims', file)

/**
 * The wire's two libraries were written for browserify. In our own bundle simple-peer comes from its source, on
 * small stand-ins for what it hardly uses; each says why it is enough. Anyone who bundles the packages themselves
 * gets the libraries as they are.
 */
const slimWire: Plugin = {
  name: 'slim-wire',
  setup(hooks) {
    const replaced: Readonly<Record<string, string>> = {
      '#simple-peer': require.resolve('simple-peer'),
      'readable-stream': shim('stream.js'),
      streamx: shim('streamx.js'),
      buffer: shim('buffer.js'),
      randombytes: shim('randombytes.cjs'),
      debug: shim('debug.cjs'),
    }
    hooks.onResolve(
      { filter: /^(#simple-peer|readable-stream|streamx|buffer|randombytes|debug)$/ },
      ({ path }) => {
        const replacement = replaced[path]
        return replacement ? { path: replacement } : null
      },
    )
    // The WebAssembly hasher would be a tenth of the file, for the few pages without WebCrypto (plain http) that also
    // allow WebAssembly. The plain JavaScript one does 73 MB/s, ninety times an 8 Mbit/s stream: they get that.
    hooks.onLoad({ filter: /hasher[\\/]wasm-sha256\.ts$/ }, () => ({
      contents: "export const createSHA256 = () => Promise.reject(new Error('not in this build'))",
      loader: 'js',
    }))
    // Their log lines, a statement each, go nowhere and would be 2 KB of gzip.
    hooks.onLoad(
      { filter: /node_modules[\\/](simple-peer|bittorrent-protocol)[\\/]index\.js$/ },
      ({ path }) => {
        return { contents: readFileSync(path, 'utf8').replace(/^\s*this\._debug\(.*\)$/gm, '') }
      },
    )
  },
}

export interface PluginBundle {
  readonly code: string
  /** Bytes of each input in the output, largest first. */
  readonly inputs: readonly { readonly path: string; readonly bytes: number }[]
}

/** The player plugin in one file, without hls.js: `iife` with the global `Nearcast` for `<script>`, or `esm`. */
export async function bundlePlugin(format: 'iife' | 'esm'): Promise<PluginBundle> {
  const result = await build({
    entryPoints: [join(root, 'player-plugin/src/index.ts')],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    platform: 'browser',
    format,
    target: ['es2022', 'chrome94', 'firefox93', 'safari15.4'],
    conditions: ['nearcast-source', 'browser', 'import'],
    define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
    plugins: [slimWire],
    // The libraries' private members; nothing reaches them by a string, and no platform object has such names.
    mangleProps: /^_[a-z]/,
    legalComments: 'none',
    banner: {
      js: '/*! Nearcast, MIT. Contains simple-peer, bittorrent-protocol and their dependencies, MIT. */',
    },
    logLevel: 'error',
    ...(format === 'iife' ? { globalName: 'Nearcast' } : {}),
  })
  const [file] = result.outputFiles
  const [output] = Object.values(result.metafile.outputs)
  if (!file || !output) throw new Error('esbuild made nothing of player-plugin/src/index.ts')
  const inputs = Object.entries(output.inputs).map(([path, { bytesInOutput }]) => ({
    path,
    bytes: bytesInOutput,
  }))
  return { code: file.text, inputs: inputs.sort((a, b) => b.bytes - a.bytes) }
}
