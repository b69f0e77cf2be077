import { parseYaml, YamlError } from '../config/yaml.js'

/** How the text of a registry file is read: YAML by its ending `.yaml` or `.yml`; undefined for JSON. */
export function parserOf(path: string): ((text: string) => unknown) | undefined {
  return /\.ya?ml$/i.test(path) ? parse : undefined
}

function parse(text: string): unknown {
  try {
    return parseYaml(text)
  } catch (error) {
    if (error instanceof YamlError) throw new Error(`is not valid YAML (${error.message})`, { cause: error })
    throw error
  }
}
