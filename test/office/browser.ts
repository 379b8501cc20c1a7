import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumPath, quietArgs } from '../browser/chromium.ts'
import { edgeAddress, edgePort, plainHost, secureHost } from './addresses.ts'
import type { Namespace } from './namespace.ts'

/** A Chromium of its own in a namespace; playwright steers it over pipes, which know no namespaces. */
export interface Desk {
  readonly namespace: Namespace
  readonly page: Page
  close(): Promise<void>
}

export interface BrowserOptions {
  /** Features of Chromium to switch on. */
  readonly features: readonly string[]
  /** Whether the page's origin is a secure context. */
  readonly secure: boolean
  /** What every page runs first. */
  readonly script: string
}

export async function openDesk(namespace: Namespace, options: BrowserOptions): Promise<Desk> {
  const { features, secure, script } = options
  let browser: Browser | null = null
  const close = async () => {
    // Closing politely takes seconds for a full office; nothing of it is kept.
    namespace.kill()
    await browser?.close().catch(() => {})
  }
  try {
    browser = await chromium.launch({
      executablePath: fileURLToPath(new URL('in-namespace.sh', import.meta.url)),
      env: { ...process.env, NEARCAST_NAMESPACE: namespace.name, NEARCAST_CHROMIUM: chromiumPath() },
      args: [
        ...quietArgs,
        '--disable-audio-output',
        `--host-resolver-rules=MAP ${secureHost} ${edgeAddress},MAP ${plainHost} ${edgeAddress}`,
        ...(features.length > 0 ? [`--enable-features=${features.join(',')}`] : []),
      ],
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    })
    const page = await browser.newPage()
    page.on('pageerror', error => console.error(`page in ${namespace.name}: ${error.stack ?? error.message}`))
    await page.goto(`http://${secure ? secureHost : plainHost}:${edgePort}/lab`)
    await page.addScriptTag({ content: script })
    return { namespace, page, close }
  } catch (error) {
    await close()
    throw error
  }
}
