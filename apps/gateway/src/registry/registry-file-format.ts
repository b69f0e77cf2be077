import { parseDocument } from 'yaml'

/** How the text of a registry file is read: YAML by its ending `.yaml` or `.yml`; undefined for JSON. */
export function parserOf(path: string): ((text: string) => unknown) | undefined {
  return /\.ya?ml$/i.test(path) ? parseYaml : undefined
}

// The place and no text: it may be a secret.
function parseYaml(text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true })
  const [bad] = document.errors
  if (bad === undefined) return document.toJS({ maxAliasCount: 100 })
  const [{ line, col } = { line: 1, col: 1 }] = bad.linePos ?? []
  throw new Error(`is not valid YAML (line ${line} column ${col}: ${bad.code})`)
}
