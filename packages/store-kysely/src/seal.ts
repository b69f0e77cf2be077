import type { Attach, TlsIdentity } from '@mcp-platform/core-registry'
import { StoreSealedError } from './errors.js'

/**
 * Encrypts secrets before they reach the database. `aad` names the row and must be bound to the result, so that a secret
 * cannot be moved to another row. `open` throws when the text or the `aad` is not what `seal` was given.
 */
export interface Seal {
  seal(plain: string, aad: string): string
  open(sealed: string, aad: string): string
  /** True for a text that hangs on a key that is being replaced. Absent: none ever does. */
  isOutdated?(sealed: string): boolean
  /** The same secret under the key in use. @default it is opened and sealed again */
  rewrap?(sealed: string, aad: string): string
}

type Texts = Readonly<Record<string, string>>

/** What of an attachment is secret. */
interface Secrets {
  readonly headers?: Texts | undefined
  readonly env?: Texts | undefined
  readonly tls?: TlsIdentity | undefined
}

// What JSON never begins with: tells sealed rows from those that were written before a seal was configured.
const MARK = 'sealed:'

/** The secrets of an attachment as they are kept; null when there are none. */
export function sealSecrets(attach: Attach, row: string, seal: Seal | undefined): string | null {
  const secrets = secretsOf(attach)
  if (secrets === undefined) return null
  const plain = JSON.stringify(secrets)
  return seal === undefined ? plain : MARK + seal.seal(plain, row)
}

/** The attachment with the secrets that were kept apart. @throws StoreSealedError */
export function withSecrets(attach: Attach, stored: string | null, row: string, seal: Seal | undefined): Attach {
  if (attach.kind === 'profile') return attach
  const { headers = {}, env = {}, tls } = openSecrets(stored, row, seal)
  if (attach.kind === 'stdio') return { ...attach, env }
  return { ...attach, headers, ...(tls === undefined ? {} : { tls }) }
}

/** The attachment without its secrets. */
export function withoutSecrets(attach: Attach): Attach {
  if (attach.kind === 'profile') return attach
  if (attach.kind === 'stdio') return { ...attach, env: {} }
  const { tls: _, ...rest } = attach
  return { ...rest, headers: {} }
}

/** The same secrets under the key in use; undefined when they are so already. @throws StoreSealedError */
export function rewrapSecrets(stored: string | null, row: string, seal: Seal): string | undefined {
  if (stored === null) return undefined
  if (!stored.startsWith(MARK)) return MARK + seal.seal(stored, row)
  const sealed = stored.slice(MARK.length)
  if (seal.isOutdated?.(sealed) !== true) return undefined
  return MARK + (seal.rewrap?.(sealed, row) ?? seal.seal(unseal(sealed, row, seal), row))
}

function secretsOf(attach: Attach): Secrets | undefined {
  if (attach.kind === 'profile') return undefined
  if (attach.kind === 'stdio') return isEmpty(attach.env) ? undefined : { env: attach.env }
  const { headers, tls } = attach
  if (isEmpty(headers) && tls === undefined) return undefined
  return { headers, tls }
}

function isEmpty(texts: Texts): boolean {
  return Object.keys(texts).length === 0
}

function openSecrets(stored: string | null, row: string, seal: Seal | undefined): Secrets {
  if (stored === null) return {}
  const read = JSON.parse(stored.startsWith(MARK) ? unseal(stored.slice(MARK.length), row, seal) : stored)
  // Before there were certificates, the one group was kept alone.
  const isAlone = Object.values(read).every((value) => typeof value === 'string')
  return isAlone ? { headers: read, env: read } : read
}

function unseal(sealed: string, row: string, seal: Seal | undefined): string {
  if (seal === undefined) throw new StoreSealedError(row, 'they are sealed and no master key is configured')
  try {
    return seal.open(sealed, row)
  } catch (error) {
    throw new StoreSealedError(row, 'the master key is another one, or the row was changed', { cause: error })
  }
}
