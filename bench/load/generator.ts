import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { pinned } from '../measure/pinning.ts'
import type { LoadOrder, LoadReply, LoadStop } from './main.ts'

/** The load generator's process, as the runner sees it. Close it after use. */
export class LoadGenerator {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface

  constructor(core: number | undefined) {
    const [command, args] = pinned(core, process.execPath, [join(import.meta.dirname, 'main.ts')])
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    if (this.#child.stdout === null) throw new TypeError('bench: the load generator has no stdout')
    this.#reader = createInterface({ input: this.#child.stdout })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  /** Carries out an order; hears when the clients are ready and when the last request was answered. */
  async run(order: LoadOrder, onStop: (at: LoadStop['stop']) => void = () => undefined): Promise<LoadReply> {
    this.#write(JSON.stringify(order))
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) return { error: 'the load generator ended' }
      const line: LoadReply | LoadStop = JSON.parse(value)
      if (!('stop' in line)) return line
      onStop(line.stop)
      this.#write('')
    }
  }

  #write(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  async close(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode !== null) return
    this.#child.stdin?.end()
    this.#reader.close()
    await exited
  }
}
