/** What `/admin/policy` says and takes; see tracker/src/policy. */
interface Rule {
  readonly site?: string
  readonly content?: string
  readonly mode?: string
}

export type Mode = 'share' | 'leech' | 'off'

/** Rules of the operator's: read, and changed one mode at a time. */
export interface PolicyClient {
  /** The mode ruled for a site, or for all (null); null where no rule says one. */
  modeOf(site: string | null): Mode | null
  /** Null takes the mode back; whatever else the rule says stays. */
  setMode(site: string | null, mode: Mode | null): Promise<void>
  refresh(): Promise<void>
  /** Whether the tracker keeps rules over a restart. */
  readonly persistent: boolean
}

const url = 'admin/policy'

export function createPolicyClient(): PolicyClient {
  let rules: readonly Rule[] = []
  let persistent = false
  const find = (site: string | null) =>
    rules.find(rule => rule.content === undefined && (rule.site ?? null) === site)

  const take = async (response: Response) => {
    const body = (await response.json().catch(() => ({}))) as {
      rules?: readonly Rule[]
      persistent?: boolean
      error?: string
    }
    if (!response.ok || !body.rules) throw new Error(body.error ?? `the tracker answers ${response.status}`)
    rules = body.rules
    persistent = body.persistent === true
  }

  return {
    get persistent() {
      return persistent
    },
    modeOf(site) {
      const mode = find(site)?.mode
      return mode === 'share' || mode === 'leech' || mode === 'off' ? mode : null
    },
    async refresh() {
      await take(await fetch(url, { signal: AbortSignal.timeout(10_000) }))
    },
    async setMode(site, mode) {
      // Somebody else may have changed the rest of it meanwhile.
      await this.refresh()
      const { mode: _, ...rest } = find(site) ?? {}
      const scope = site === null ? {} : { site }
      const rule = { ...rest, ...scope, ...(mode !== null && { mode }) }
      const decides = Object.keys(rule).some(name => name !== 'site')
      if (!decides && find(site) === undefined) return
      const query = site === null ? '' : `?site=${encodeURIComponent(site)}`
      const signal = AbortSignal.timeout(10_000)
      const headers = { 'Content-Type': 'application/json' }
      await take(
        decides
          ? await fetch(url, { method: 'PUT', headers, body: JSON.stringify(rule), signal })
          : await fetch(`${url}${query}`, { method: 'DELETE', signal }),
      )
    },
  }
}
