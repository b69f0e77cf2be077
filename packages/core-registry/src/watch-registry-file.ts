import { type FSWatcher, watch } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { RegistryFileError } from './errors.js'
import { isObject } from './json.js'
import { parseRegistryFile } from './registry-file.js'
import type { Environment, RegistryFile } from './registry-file-content.js'

// An editor or a deployment tool writes in several steps; the last one counts.
const DEFAULT_DEBOUNCE_MS = 100
// Network file systems and container mounts report no changes.
const DEFAULT_POLL_MS = 2_000

/** Options of {@link readRegistryFile}. */
export interface ReadOptions {
  /** What `${VAR}` in an mcp.json stands for. @default nothing is defined */
  readonly env?: Environment | undefined
  /**
   * Makes a value of the text of the file, for formats other than JSON; what it throws becomes the reason of a
   * `RegistryFileError`. @default JSON
   */
  readonly parse?: ((text: string) => unknown) | undefined
}

/** Options of {@link watchRegistryFile}. */
export interface WatchOptions extends ReadOptions {
  /** Told the whole file, at first and whenever its text has changed. Never two at once. */
  readonly onChange: (file: RegistryFile) => void | Promise<void>
  /** Told why the file could not be read, or what `onChange` threw; what was read before goes on holding. */
  readonly onError: (error: unknown) => void
  /** Ends the watching. */
  readonly signal: AbortSignal
  /** Quiet time after a change before the file is read, in milliseconds. @default 100 */
  readonly debounceMs?: number | undefined
  /** Time between looks at size and time stamp, where the file system reports nothing, in milliseconds. @default 2_000 */
  readonly pollMs?: number | undefined
}

/** The name of a file as a source of instances: `file:<absolute path>`. */
export function fileSource(path: string): string {
  return `file:${resolve(path)}`
}

/**
 * Reads a registry file once.
 * @throws RegistryFileError when it is missing, not readable, not JSON, or of no known format
 */
export async function readRegistryFile(path: string, options: ReadOptions = {}): Promise<RegistryFile> {
  return parseText(await readText(path), path, options)
}

/**
 * Follows a registry file: its folder is watched, so that an atomic replacement by rename is seen, and its time stamp
 * polled. Resolves once the first reading was delivered to `onChange` or `onError`; the watching ends with the signal.
 */
export async function watchRegistryFile(path: string, options: WatchOptions): Promise<void> {
  await new FileFollower(path, options).start()
}

class FileFollower {
  readonly #path: string
  readonly #options: WatchOptions
  #watcher: FSWatcher | undefined
  #poll: NodeJS.Timeout | undefined
  #debounce: NodeJS.Timeout | undefined
  #stamp = ''
  #text: string | undefined
  #failure = ''
  #tail: Promise<void> = Promise.resolve()

  constructor(path: string, options: WatchOptions) {
    this.#path = resolve(path)
    this.#options = options
  }

  async start(): Promise<void> {
    const { signal, pollMs = DEFAULT_POLL_MS } = this.#options
    if (signal.aborted) return
    signal.addEventListener('abort', () => this.#stop(), { once: true })
    this.#watchFolder()
    this.#poll = setInterval(() => void this.#look(), pollMs)
    this.#poll.unref()
    await this.#look()
  }

  #watchFolder(): void {
    try {
      this.#watcher = watch(dirname(this.#path), { persistent: false }, (_, name) => this.#onFolderEvent(name))
      this.#watcher.on('error', (error) => this.#loseWatcher(error))
    } catch (error) {
      this.#loseWatcher(error)
    }
  }

  #onFolderEvent(name: string | null): void {
    // Kubernetes swaps a link beside the file, so any event in the folder is a reason to look.
    const { debounceMs = DEFAULT_DEBOUNCE_MS } = this.#options
    clearTimeout(this.#debounce)
    if (name === basename(this.#path)) this.#stamp = ''
    this.#debounce = setTimeout(() => void this.#look(), debounceMs)
    this.#debounce.unref()
  }

  #loseWatcher(error: unknown): void {
    this.#watcher?.close()
    this.#watcher = undefined
    this.#report(
      new RegistryFileError(this.#path, 'its folder cannot be watched; changes are polled', { cause: error }),
    )
  }

  /** One look after the other: a slow `onChange` delays the next one and is never run twice at once. */
  #look(): Promise<void> {
    this.#tail = this.#tail.then(() => this.#readIfChanged())
    return this.#tail
  }

  async #readIfChanged(): Promise<void> {
    if (this.#options.signal.aborted) return
    try {
      const stamp = await stampOf(this.#path)
      if (stamp === this.#stamp) return
      const text = await readText(this.#path)
      this.#stamp = stamp
      if (text === this.#text) return
      this.#text = text
      await this.#deliver(text)
    } catch (error) {
      this.#report(error)
    }
  }

  async #deliver(text: string): Promise<void> {
    const file = parseText(text, this.#path, this.#options)
    this.#failure = ''
    if (!this.#options.signal.aborted) await this.#options.onChange(file)
  }

  /** A file that stays away is reported once, not at every poll. */
  #report(error: unknown): void {
    const failure = String(error)
    if (failure === this.#failure || this.#options.signal.aborted) return
    this.#failure = failure
    this.#options.onError(error)
  }

  #stop(): void {
    this.#watcher?.close()
    clearInterval(this.#poll)
    clearTimeout(this.#debounce)
  }
}

function parseText(text: string, path: string, { env = {}, parse }: ReadOptions): RegistryFile {
  return parseRegistryFile(parse === undefined ? text : parsed(text, path, parse), path, { env })
}

function parsed(text: string, path: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw new RegistryFileError(path, error instanceof Error ? error.message : String(error), { cause: error })
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return `${mtimeMs}/${size}/${ino}`
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): RegistryFileError {
  const missing = isObject(error) && error['code'] === 'ENOENT'
  return new RegistryFileError(path, missing ? 'there is no such file' : 'cannot be read', { cause: error })
}
