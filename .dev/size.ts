// `npm run size`: gzip of the <script> build without hls.js, against the committed budget (size-budget.json). The
// budget is raised only in the change that grows the build, with its reason in the commit.
// `-- --inputs` lists what the bytes are made of.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { bundlePlugin, root } from './bundle.ts'

const { gzipBytes: budgetBytes } = JSON.parse(readFileSync(join(root, '.dev/size-budget.json'), 'utf8')) as {
  gzipBytes: number
}
const { code, inputs } = await bundlePlugin('iife')
const gzipBytes = gzipSync(code, { level: 9 }).length

if (process.argv.includes('--inputs')) {
  for (const { path, bytes } of inputs.filter(({ bytes }) => bytes > 0)) {
    console.log(`${String(bytes).padStart(8)}  ${path}`)
  }
}
const share = Math.round((gzipBytes / budgetBytes) * 100)
console.log(`nearcast.js: ${gzipBytes} bytes of gzip, ${share} % of the budget`)
console.log(JSON.stringify({ gzipBytes, budgetBytes }))
process.exitCode = gzipBytes > budgetBytes ? 1 : 0
