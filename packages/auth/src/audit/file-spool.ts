import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AuthUnavailableError } from '../errors.js'
import type { AuditEvent } from './event.js'
import { cutTornLine } from './segment-files.js'
import type { AuditSpool } from './trail.js'
import { parseEvent, toLine } from './wire.js'

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024

/** Options of {@link FileAuditSpool}. */
export interface FileAuditSpoolOptions {
  /** The file; its folder is made if it is not there. One process per file. */
  readonly path: string
  /** No more is taken beyond this. @default 256 MiB */
  readonly maxBytes?: number | undefined
}

/** Keeps audit events in a file while the database does not answer: synced before `append` resolves. */
export class FileAuditSpool implements AuditSpool {
  readonly #path: string
  readonly #maxBytes: number

  constructor(options: FileAuditSpoolOptions) {
    this.#path = options.path
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES
  }

  /** @throws AuthUnavailableError when the file is full */
  async append(events: readonly AuditEvent[]): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    const text = events.map(toLine).join('')
    await using file = await open(this.#path, 'a', 0o600)
    const { size } = await file.stat()
    if (size + Buffer.byteLength(text) > this.#maxBytes) throw new AuthUnavailableError('the audit spool is full')
    await file.appendFile(text, 'utf8')
    await file.datasync()
  }

  async drain(write: (events: readonly AuditEvent[]) => Promise<void>): Promise<void> {
    const text = await this.#read()
    const events = text
      .split('\n')
      .filter((line) => line !== '')
      .map(parseEvent)
    if (events.length > 0) await write(events)
    await rm(this.#path, { force: true })
  }

  async #read(): Promise<string> {
    try {
      await cutTornLine(this.#path)
      return await readFile(this.#path, 'utf8')
    } catch (error) {
      if (isMissing(error)) return ''
      throw error
    }
  }
}

// Not by its class: what Node throws is of another realm where code runs in a sandbox.
function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT'
}
