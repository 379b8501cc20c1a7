import { announceChecks } from './announce-checks.ts'
import { answerChecks } from './answer-checks.ts'
import { extrasChecks } from './extras-checks.ts'
import { hostileChecks } from './hostile-checks.ts'
import { identityChecks } from './identity-checks.ts'
import { offerChecks } from './offer-checks.ts'
import { refusalChecks } from './refusal-checks.ts'
import { scrapeChecks } from './scrape-checks.ts'
import type { Check } from './trial.ts'

export interface Chapter {
  readonly title: string
  readonly checks: readonly Check[]
}

/** What the WebTorrent protocol, its reference client and the ways of others ask of a tracker. */
export const chapters: readonly Chapter[] = [
  { title: 'Announce', checks: announceChecks },
  { title: 'Identity', checks: identityChecks },
  { title: 'Offers', checks: offerChecks },
  { title: 'Answers', checks: answerChecks },
  { title: 'Scrape', checks: scrapeChecks },
  { title: 'Refusals', checks: refusalChecks },
  { title: 'Hostile input', checks: hostileChecks },
  { title: 'Our own fields', checks: extrasChecks },
]
