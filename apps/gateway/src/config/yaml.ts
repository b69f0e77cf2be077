import { parseDocument } from 'yaml'

// Ten lists of ten aliases each are ten billion values ten levels down: what no file of ours needs is refused.
const MAX_ALIASES = 100

/** A text is not YAML. The message names the place and the kind of fault, never the text: it may be a secret. */
export class YamlError extends Error {
  override readonly name = 'YamlError'
}

/**
 * Reads YAML, of which JSON is a part; an empty text is null.
 * @throws YamlError such as `line 2 column 8: BAD_INDENT`
 */
export function parseYaml(text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true })
  const [bad] = document.errors
  if (bad !== undefined) {
    const [{ line, col } = { line: 1, col: 1 }] = bad.linePos ?? []
    throw new YamlError(`line ${line} column ${col}: ${bad.code}`)
  }
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    throw new YamlError('an alias leads nowhere, or there are too many of them', { cause: error })
  }
}
