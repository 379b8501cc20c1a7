import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { isInstalled, proxyNames } from './proxy.ts'

const here = import.meta.dirname

test.skipIf(!proxyNames.some(isInstalled))(
  'one command starts it all, says what the README says, and leaves nothing behind',
  async () => {
    const command = ['--conditions=nearcast-source', join(here, 'start.ts'), '--port', '0']
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
    const exit = new Promise<number | null>(resolve => child.once('close', resolve))
    let said = ''
    child.stdout.on('data', data => {
      said += data
    })
    try {
      await vi.waitFor(() => expect(said).toContain('Ctrl-C'), { timeout: 30_000, interval: 50 })
      expect(withoutNumbers(said)).toBe(withoutNumbers(expectedOutput()))

      const [url] = /ws:\S+/.exec(said) ?? []
      const socket = new WebSocket(url!)
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
      socket.terminate()
    } finally {
      child.kill('SIGINT')
    }
    expect(await exit).toBe(0)
    for (const [, pid] of said.matchAll(/process (\d+)/g))
      expect(() => process.kill(Number(pid), 0)).toThrow()
  },
)

/** The block in the README that follows the command. */
function expectedOutput(): string {
  const readme = readFileSync(join(here, 'README.md'), 'utf8')
  return /It prints\n\n```\n([^`]*)```/.exec(readme)?.[1] ?? ''
}

/** Ports and processes differ, and which proxy and server this machine has. */
function withoutNumbers(text: string): string {
  return text
    .replaceAll(/\d+(?=[)/\n])/g, 'N')
    .replace(/behind (nginx|haproxy), .*\.$/m, 'behind PROXY, joined by SERVER.')
}
