/** `npm run bench:cpu`: what scheduler and wire cost the thread of a page in real Chromium, by a CPU profile. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { measure } from './cpu/measure.ts'
import { jsonOf, tableOf } from './cpu/table.ts'

const command = new Command('npm run bench:cpu --')
  .description(
    'One viewer in a Chromium of its own, the others in another one: real swarms, real WebRTC, a live stream of ' +
      'random bytes. Profiles the one and says whose work its thread did.',
  )
  .option('--seconds <n>', 'length of the profile', whole, 30)
  .option('--peers <n>', 'viewers beside the profiled one', whole, 12)
  .option('--bitrate <n>', 'of the stream, Mbit/s', whole, 8)
  .option('--top <n>', 'functions listed', whole, 15)
  .option('--profile <file>', 'write the profile there, for DevTools (*.cpuprofile)')
  .option('--json', 'no table, only the JSON object that is otherwise the last line')
  .parse()

const options = command.opts<{
  seconds: number
  peers: number
  bitrate: number
  top: number
  profile?: string
  json?: boolean
}>()

const measurement = await measure({
  bitrateMbps: options.bitrate,
  peers: options.peers,
  seconds: options.seconds,
  onProgress: text => console.error(text),
})
if (options.profile !== undefined) {
  writeFileSync(
    resolve(process.env['NEARCAST_CWD'] ?? '.', options.profile),
    JSON.stringify(measurement.profile),
  )
}
if (!options.json) console.log(`${tableOf(measurement, options.top)}\n`)
console.log(JSON.stringify({ bitrateMbps: options.bitrate, ...jsonOf(measurement) }))

function whole(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number above zero is wanted')
  return Number(text)
}
