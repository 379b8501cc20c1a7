import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'

/** What the kernel counted for threads, ms since they began. */
export interface ThreadTimes {
  /** Of the page's own thread: on a core, and ready to run while others had the cores. */
  readonly mainRanMs: number
  readonly mainWaitedMs: number
  /** All other threads of the page's process: WebRTC, WebCrypto, the garbage collector's helpers. */
  readonly othersRanMs: number
}

/**
 * Of the busiest page's process of this browser; null where the kernel does not say (no Linux). A profile counts time
 * by the clock: what its thread waited for a core is in it, and only this tells how much that was.
 */
export async function threadTimes(browser: Browser): Promise<ThreadTimes | null> {
  if (!existsSync('/proc/self/schedstat')) return null
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const [page] = processInfo.filter(({ type }) => type === 'renderer').sort((a, b) => b.cpuTime - a.cpuTime)
  if (!page) return null
  const times = { mainRanMs: 0, mainWaitedMs: 0, othersRanMs: 0 }
  for (const thread of readdirSync(`/proc/${page.id}/task`)) {
    const [ranMs, waitedMs] = scheduled(page.id, thread)
    if (Number(thread) === page.id) Object.assign(times, { mainRanMs: ranMs, mainWaitedMs: waitedMs })
    else times.othersRanMs += ranMs
  }
  return times
}

/** A thread may end while it is looked at. */
function scheduled(process: number, thread: string): [ranMs: number, waitedMs: number] {
  try {
    const [ran, waited] = readFileSync(`/proc/${process}/task/${thread}/schedstat`, 'utf8').split(' ')
    return [Number(ran) / 1e6, Number(waited) / 1e6]
  } catch {
    return [0, 0]
  }
}
