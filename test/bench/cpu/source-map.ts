import { SourceMap } from 'node:module'

/**
 * The written file behind a place of a script that carries its source map inside; null where the map names none.
 * Places count from zero.
 */
export function sourceFinder(script: string): (line: number, column: number) => string | null {
  const [, encoded] = /\n\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(script) ?? []
  if (encoded === undefined) throw new Error('the script has no source map inside')
  const map = new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString()))
  return (line, column) => {
    const entry = map.findEntry(line, column)
    return 'originalSource' in entry ? entry.originalSource : null
  }
}
