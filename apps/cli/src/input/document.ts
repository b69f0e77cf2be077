import { CliError } from '../errors.js'
import { readInput } from './read-input.js'

/** Reads a document to import: JSON, or YAML. @throws CliError */
export async function readDocument(path: string): Promise<unknown> {
  const text = await readInput(path)
  try {
    return JSON.parse(text)
  } catch (error) {
    if (path.endsWith('.json')) throw unusable(path, error)
  }
  const { parse } = await import('yaml')
  try {
    return parse(text)
  } catch (error) {
    throw unusable(path, error)
  }
}

function unusable(path: string, cause: unknown): CliError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CliError('CLI_BAD_DOCUMENT', `The file ${path} cannot be used: ${reason}.`, { cause })
}
