import { isMap, isScalar, LineCounter, parseDocument, type Scalar, type YAMLMap } from 'yaml'

/** One value of a configuration file, and where it stands. */
export interface FileValue {
  readonly value: unknown
  readonly line: number
}

export interface ConfigFile {
  /** By key, `limits.offerMs`. */
  readonly values: ReadonlyMap<string, FileValue>
  readonly problems: readonly { readonly line: number; readonly message: string }[]
}

/** Reads YAML, and JSON with it, which is a part of YAML. Groups may be nested one deep, as the settings are. */
export function readConfigFile(source: string): ConfigFile {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false })
  const lineAt = (offset: number | undefined) => (offset === undefined ? 1 : lines.linePos(offset).line)
  const values = new Map<string, FileValue>()
  const problems = document.errors.map(({ pos, message }) => ({ line: lineAt(pos[0]), message }))
  if (problems.length > 0) return { values, problems }
  const { contents } = document
  // An empty file sets nothing.
  if (contents === null || (isScalar(contents) && contents.value === null)) return { values, problems }
  if (!isMap(contents)) {
    problems.push({ line: 1, message: 'give keys and values, such as port: 8080' })
    return { values, problems }
  }
  collect(contents, '')
  return { values, problems }

  function collect(map: YAMLMap, prefix: string): void {
    for (const { key, value } of map.items) {
      const name = key as Scalar
      const line = lineAt(name.range?.[0])
      const path = `${prefix}${String(name.value)}`
      if (isMap(value) && prefix === '') collect(value, `${path}.`)
      else if (value !== null)
        values.set(path, { value: (value as { toJS(doc: unknown): unknown }).toJS(document), line })
    }
  }
}
