import { AuthSnapshot, type AuthSnapshotData, type PublishedKey, PublishedKeys } from '@mcp-platform/auth'
import type { SealedFile } from '../snapshot/sealed-file.js'

/** Users, keys and public signing keys as they were written down, for a start while the database is down. */
export interface SavedIdentity {
  readonly snapshot: AuthSnapshot
  readonly keys: PublishedKeys
}

interface Content {
  readonly snapshot: AuthSnapshotData
  readonly keys: readonly PublishedKey[]
}

/** Writes down what a restart needs to know callers apart, each time it has changed. */
export class IdentitySnapshot {
  readonly #file: SealedFile
  readonly #onError: (error: unknown) => void
  #next: Content | undefined
  #written = ''
  #writing: Promise<void> = Promise.resolve()

  constructor(file: SealedFile, onError: (error: unknown) => void) {
    this.#file = file
    this.#onError = onError
  }

  /** What was written last; undefined when nothing was. @throws SnapshotInvalidError */
  async read(): Promise<SavedIdentity | undefined> {
    const text = await this.#file.read()
    if (text === undefined) return undefined
    const { snapshot, keys }: Content = JSON.parse(text)
    return { snapshot: new AuthSnapshot(snapshot), keys: await PublishedKeys.import(keys) }
  }

  /** Writes it unless it is what was written last. Changes that come while one is written are written together. */
  save(snapshot: AuthSnapshot, keys: readonly PublishedKey[]): void {
    const isWaiting = this.#next !== undefined
    const mark = `${snapshot.version} ${keys.map(({ kid, verifiesUntilMs }) => `${kid}${verifiesUntilMs}`).join()}`
    if (mark === this.#written) return
    this.#written = mark
    this.#next = { snapshot: snapshot.toJSON(), keys }
    if (!isWaiting) this.#writing = this.#writing.then(() => this.#write())
  }

  /** Resolves when the last change is written. */
  close(): Promise<void> {
    return this.#writing
  }

  async #write(): Promise<void> {
    const content = this.#next
    this.#next = undefined
    try {
      await this.#file.write(JSON.stringify(content))
    } catch (error) {
      this.#written = ''
      this.#onError(error)
    }
  }
}
