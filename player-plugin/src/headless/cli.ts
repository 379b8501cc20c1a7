#!/usr/bin/env node
import { resolve } from 'node:path'
import { type CliOptions, parseCli } from './cli-options.ts'
import { HeadlessError } from './headless-error.ts'
import { createHeadlessPeer, type HeadlessPeer } from './headless-peer.ts'
import { createProgress } from './progress.ts'
import { statusLine } from './status-line.ts'

/** `npm run peer`: stdout is for machines (`--json`), stderr for people. */

/** Exit codes: 0 stopped on request or done, 1 could not run, 2 wrong use. */
const failed = 1
const misused = 2
const refreshMs = 500
/** A tracker or a disk that does not answer must not keep the process. */
const longestCloseMs = 1_500

const progress = createProgress(process.stderr, () => performance.now())

// A peer of a day must not die of one candidate that a library failed to send.
process.on('unhandledRejection', reason => {
  const detail = reason instanceof Error ? reason.message : String(reason)
  progress.note(`warning: something failed unnoticed: ${detail}`)
})

// Whoever read our output may be gone; the peer goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

// npm runs scripts in the project's folder; paths are meant from where the user stands.
const from = process.env['NEARCAST_CWD'] ?? process.cwd()
const options = read()
if (options) await run(options)

function read(): CliOptions | null {
  try {
    return parseCli(process.argv.slice(2), path => resolve(from, path))
  } catch (error) {
    // commander has written what was wrong, or the help with exit code 0.
    if (!(error instanceof Error && 'exitCode' in error)) throw error
    process.exitCode = error.exitCode === 0 ? 0 : misused
    return null
  }
}

async function run({ peer: peerOptions, json, seconds, exitWhenDone }: CliOptions): Promise<void> {
  let stop: () => void = () => {}
  const stopped = new Promise<void>(done => {
    stop = done
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  const starting = createHeadlessPeer(peerOptions, { onProblem: ({ message }) => progress.note(message) })
  const peer = await Promise.race([starting, stopped.then(() => null)]).catch(report)
  if (peer === undefined) process.exit(failed)
  if (peer === null) process.exit(0) // stopped before there was anything to close
  progress.note(`Nearcast ${peerOptions.role} of ${peer.report().contentId}. Ctrl-C stops.`)
  const timer = setInterval(() => progress.show(statusLine(peer.report())), refreshMs)
  const ends = [stopped]
  if (seconds > 0) ends.push(new Promise(done => setTimeout(done, seconds * 1000).unref()))
  if (exitWhenDone) ends.push(peer.done)
  await Promise.race(ends)
  clearInterval(timer)
  const last = peer.report()
  progress.close(statusLine(last))
  await closeInTime(peer)
  if (json) await new Promise(written => process.stdout.write(`${JSON.stringify(last)}\n`, written))
  process.exit(0)
}

async function closeInTime(peer: HeadlessPeer): Promise<void> {
  const late = new Promise<void>(done => setTimeout(done, longestCloseMs))
  await Promise.race([
    late,
    peer.close().catch(error => progress.note(`warning: ${error instanceof Error ? error.message : error}`)),
  ])
}

function report(error: unknown): undefined {
  if (error instanceof HeadlessError) progress.note(`error: ${error.message}\n${error.remedy}`)
  else console.error(error)
}
