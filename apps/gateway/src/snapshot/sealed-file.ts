import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { ifThere } from '../state/if-there.js'

const MARK = 'MCPPSNAP1'
const IV_BYTES = 12
const TAG_BYTES = 16

/** A snapshot file is damaged, was changed, or was written with another key or for another database. */
export class SnapshotInvalidError extends Error {
  override readonly name = 'SnapshotInvalidError'
  readonly code = 'SNAPSHOT_INVALID'
}

/** Options of {@link SealedFile}. */
export interface SealedFileOptions {
  readonly path: string
  /** 32 bytes each: the first one seals, all open what was sealed. */
  readonly keys: readonly [Uint8Array, ...Uint8Array[]]
  /** What the content is of: read as another thing it is refused. */
  readonly about: string
}

/**
 * A text in a file that only holders of the key can read or make: AES-256-GCM, so it is authenticated and, as it may hold
 * credentials of upstreams, secret. Replaced as a whole or not at all; mode 0600.
 */
export class SealedFile {
  readonly #options: SealedFileOptions
  readonly #about: Buffer

  constructor(options: SealedFileOptions) {
    this.#options = { ...options }
    this.#about = Buffer.from(`${MARK}|${options.about}`, 'utf8')
  }

  async write(text: string): Promise<void> {
    const { path } = this.#options
    const aside = `${path}.${process.pid}.new`
    try {
      const file = await open(aside, 'w', 0o600)
      try {
        await file.writeFile(this.#seal(text))
        // Before the rename: a file that is there is there whole, also after a power failure.
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(aside, path)
    } catch (error) {
      await rm(aside, { force: true })
      throw error
    }
  }

  /** What was written last; undefined when nothing was. @throws SnapshotInvalidError */
  async read(): Promise<string | undefined> {
    const bytes = await ifThere(readFile(this.#options.path))
    return bytes === undefined ? undefined : this.#open(bytes)
  }

  #seal(text: string): Buffer {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#options.keys[0], iv).setAAD(this.#about)
    const body = [cipher.update(text, 'utf8'), cipher.final()]
    return Buffer.concat([Buffer.from(MARK, 'latin1'), iv, cipher.getAuthTag(), ...body])
  }

  #open(bytes: Buffer): string {
    const begin = MARK.length
    const tagAt = begin + IV_BYTES
    const bodyAt = tagAt + TAG_BYTES
    const whole = bytes.length >= bodyAt && bytes.toString('latin1', 0, begin) === MARK
    if (!whole) throw new SnapshotInvalidError('the snapshot is not one of ours')
    const tag = bytes.subarray(tagAt, bodyAt)
    const failures: unknown[] = []
    for (const key of this.#options.keys) {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(begin, tagAt))
      decipher.setAAD(this.#about).setAuthTag(tag)
      try {
        return Buffer.concat([decipher.update(bytes.subarray(bodyAt)), decipher.final()]).toString('utf8')
      } catch (error) {
        failures.push(error)
      }
    }
    const message = 'the snapshot was changed, or is of another key or database'
    throw new SnapshotInvalidError(message, { cause: failures[0] })
  }
}
