import { passphraseOf, withGateway } from '../database/run.js'
import { usageError } from '../errors.js'
import { parseDocument } from './document.js'
import { readInput } from './read-input.js'
import { askSecret, isInteractive } from './terminal.js'

// What the gateway writes and is no document begins so: encrypted exports, and backups.
const PACKED = 'MCPP'

/**
 * Reads a document to import; an encrypted export is opened here, so that its passphrase stays on this machine. It is asked
 * for where none was given and somebody can answer.
 * @throws CliError
 */
export async function readImported(path: string, passphraseFile: string | undefined): Promise<unknown> {
  const text = await readInput(path)
  if (!text.startsWith(PACKED)) return parseDocument(path, text)
  if (path === '-') throw usageError('An encrypted export is read from a file, not from standard input.')
  const passphrase = async (): Promise<string | undefined> =>
    (await passphraseOf(passphraseFile)) ?? (isInteractive() ? askSecret('Passphrase of the export: ') : undefined)
  const opened = await withGateway((gateway) => gateway.readEncryptedExport(path, passphrase))
  return parseDocument('export.json', opened)
}
