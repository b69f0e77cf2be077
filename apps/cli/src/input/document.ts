import { CliError } from '../errors.js'
import { looksLikeJson, parseJsonc } from './jsonc.js'
import { readInput } from './read-input.js'

/** Reads a document to import: JSON (comments and last commas are allowed), or YAML. @throws CliError */
export async function readDocument(path: string): Promise<unknown> {
  return parseDocument(path, await readInput(path))
}

/** The same of a text that came from there. @throws CliError */
export async function parseDocument(path: string, text: string): Promise<unknown> {
  const isJson = /\.jsonc?$/i.test(path) || (!/\.ya?ml$/i.test(path) && looksLikeJson(text))
  try {
    return isJson ? parseJsonc(text) : await parseYaml(text)
  } catch (error) {
    throw unusable(path, error)
  }
}

async function parseYaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml')
  return parse(text)
}

function unusable(path: string, cause: unknown): CliError {
  const reason = cause instanceof Error ? cause.message.trimEnd() : String(cause)
  const name = path === '-' ? 'on standard input' : path
  return new CliError('CLI_BAD_DOCUMENT', `The file ${name} cannot be used: ${reason}.`, { cause })
}
