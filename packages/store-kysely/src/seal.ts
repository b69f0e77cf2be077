import type { Attach } from '@mcp-platform/core-registry'
import { StoreSealedError } from './errors.js'

/**
 * Encrypts secrets before they reach the database. `aad` names the row and must be bound to the result, so that a secret
 * cannot be moved to another row. `open` throws when the text or the `aad` is not what `seal` was given.
 */
export interface Seal {
  seal(plain: string, aad: string): string
  open(sealed: string, aad: string): string
}

// What JSON never begins with: tells sealed rows from those that were written before a seal was configured.
const MARK = 'sealed:'

/** The secrets of an attachment as they are kept: headers or environment; null when there are none. */
export function sealSecrets(attach: Attach, row: string, seal: Seal | undefined): string | null {
  const secrets = attach.kind === 'http' ? attach.headers : attach.env
  if (Object.keys(secrets).length === 0) return null
  const plain = JSON.stringify(secrets)
  return seal === undefined ? plain : MARK + seal.seal(plain, row)
}

/** The secrets as they were given. @throws StoreSealedError */
export function openSecrets(stored: string | null, row: string, seal: Seal | undefined): Record<string, string> {
  if (stored === null) return {}
  return JSON.parse(stored.startsWith(MARK) ? unseal(stored.slice(MARK.length), row, seal) : stored)
}

function unseal(sealed: string, row: string, seal: Seal | undefined): string {
  if (seal === undefined) throw new StoreSealedError(row, 'they are sealed and no master key is configured')
  try {
    return seal.open(sealed, row)
  } catch (error) {
    throw new StoreSealedError(row, 'the master key is another one, or the row was changed', { cause: error })
  }
}
