import type { Registry, RegistryState, Template } from '@mcp-platform/core-registry'
import { reasonOf } from '../errors.js'
import { type SealedFile, SnapshotInvalidError } from './sealed-file.js'

/** The registry as it was written down. */
export interface SavedRegistry {
  readonly state: RegistryState
  readonly savedAt: Date
}

interface Content {
  readonly version: number
  readonly saved_at: string
  readonly templates: readonly Template[]
}

/** Options of {@link RegistrySnapshot}. */
export interface RegistrySnapshotOptions {
  readonly file: SealedFile
  /** A write has failed; the next change tries again. */
  readonly onError: (error: unknown) => void
  /** @default the system's clock */
  readonly now?: (() => Date) | undefined
}

/** Writes the registry down after each change, so that a start while the database is down has something to serve. */
export class RegistrySnapshot {
  readonly #options: RegistrySnapshotOptions
  #latest: RegistryState | undefined
  #writing: Promise<void> = Promise.resolve()
  #unsubscribe = (): void => undefined

  constructor(options: RegistrySnapshotOptions) {
    this.#options = options
  }

  /** What was written last; undefined when nothing was. @throws SnapshotInvalidError */
  async read(): Promise<SavedRegistry | undefined> {
    const text = await this.#options.file.read()
    return text === undefined ? undefined : parse(text)
  }

  /** Writes what the registry holds now and after each change, until {@link close}. */
  follow(registry: Registry): void {
    this.#unsubscribe = registry.subscribe((state) => this.#save(state))
    this.#save(registry.state)
  }

  /** Resolves when the last change is written. */
  async close(): Promise<void> {
    this.#unsubscribe()
    await this.#writing
  }

  // Changes that come while one is written are written together.
  #save(state: RegistryState): void {
    const isWaiting = this.#latest !== undefined
    this.#latest = state
    if (!isWaiting) this.#writing = this.#writing.then(() => this.#writeLatest())
  }

  async #writeLatest(): Promise<void> {
    const state = this.#latest
    this.#latest = undefined
    if (state === undefined) return
    const { file, onError, now = () => new Date() } = this.#options
    const content: Content = {
      version: state.version,
      saved_at: now().toISOString(),
      templates: [...state.templates.values()],
    }
    try {
      await file.write(JSON.stringify(content))
    } catch (error) {
      onError(error)
    }
  }
}

function parse(text: string): SavedRegistry {
  try {
    const { version, saved_at, templates }: Content = JSON.parse(text)
    const byName = new Map(templates.map((template) => [template.name, template]))
    return { state: { version, templates: byName }, savedAt: new Date(saved_at) }
  } catch (error) {
    throw new SnapshotInvalidError(`the snapshot cannot be read (${reasonOf(error)})`, { cause: error })
  }
}
