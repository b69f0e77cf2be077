import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ifThere } from '../if-there.js'

const MAX_LINES = 1_000
/** What may hold a secret is not kept: flags that take one, and a credential that is set. */
const SECRET = /--(?:password|api-key|token|env|header|database|metadata)(?:[=\s]|$)|config\s+set\s+(?:api-key|token)\s/

/** What was typed at the prompt, the newest first; kept in a file for its owner only. */
export class History {
  readonly #path: string
  #lines: readonly string[]

  private constructor(path: string, lines: readonly string[]) {
    this.#path = path
    this.#lines = lines
  }

  /** Reads what was kept; nothing is no error. */
  static async open(path: string): Promise<History> {
    const text = (await ifThere(readFile(path, 'utf8'))) ?? ''
    const lines = text.split('\n').filter((line) => line !== '')
    return new History(path, lines.reverse().slice(0, MAX_LINES))
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  /** Notes a line, unless it is the last one again or may hold a secret. */
  add(line: string): void {
    if (line.trim() === '' || line === this.#lines[0] || SECRET.test(line)) return
    this.#lines = [line, ...this.#lines].slice(0, MAX_LINES)
  }

  /** Writes it down for the next time. */
  async save(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    await writeFile(this.#path, [...this.#lines].reverse().join('\n').concat('\n'), { mode: 0o600 })
    await chmod(this.#path, 0o600)
  }
}
