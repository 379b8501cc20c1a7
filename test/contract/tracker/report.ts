import { chapters } from './checks.ts'
import type { Verdict } from './subject.ts'

export interface Column {
  readonly server: string
  readonly verdicts: ReadonlyMap<string, Verdict>
}

/** Our own fields are no duty of others. */
export const ownChapter = 'Our own fields'

/** The whole table as Markdown. */
export function reportOf(columns: readonly Column[]): string {
  const head = ['check', ...columns.map(({ server }) => server)]
  const sections = chapters.map(({ title, checks }) => {
    const rows = checks.map(({ name }) => [
      name.replaceAll('|', '\\|'),
      ...columns.map(column => cell(column, title, `${title}: ${name}`)),
    ])
    return `## ${title}\n\n${table([head, ...rows])}`
  })
  const totals = columns.map(({ server, verdicts }) => {
    const counted = [...verdicts].filter(([name]) => isDuty(server, name))
    const passing = counted.filter(([, { type }]) => type === 'passes').length
    const deadly = counted.filter(([, { type }]) => type === 'dies').length
    return `- ${server}: ${passing} of ${counted.length} pass${deadly > 0 ? `; its process dies of ${deadly}` : ''}.`
  })
  return `# What trackers do with the protocol

Made by \`npm run conformance -- --write\`: ${chapters.flatMap(({ checks }) => checks).length} checks over real WebSockets, each server in a process of its own
behind a trusted proxy. Nothing but the sockets is looked at, so the suite runs against any tracker:
\`npm run conformance -- --url wss://tracker.example\`. A check fails as well where a tracker does more than ours would, such as
counting a download by whoever arrives complete; some demands are limits that only we promise (eleven offers, thirty-three swarms).

${totals.join('\n')}

${sections.join('\n\n')}
`
}

function isDuty(server: string, name: string): boolean {
  return server.startsWith('nearcast') || !name.startsWith(ownChapter)
}

function cell({ server, verdicts }: Column, title: string, name: string): string {
  if (!isDuty(server, title)) return '–'
  switch (verdicts.get(name)?.type) {
    case 'passes':
      return 'passes'
    case 'fails':
      return '**fails**'
    case 'dies':
      return '**dies**'
    case undefined:
      return 'not run'
  }
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
