import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { CliError, systemCode } from '../errors.js'

/** Reads all of standard input. */
export function readStdin(): Promise<string> {
  return text(process.stdin)
}

/** Reads a file, or standard input for `-`. @throws CliError */
export async function readInput(path: string): Promise<string> {
  if (path === '-') return readStdin()
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CliError('CLI_UNREADABLE', `The file ${path} cannot be read (${systemCode(error) ?? 'unknown'}).`, {
      cause: error,
    })
  }
}
