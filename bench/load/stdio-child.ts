import { type ChildProcess, spawn } from 'node:child_process'
import type { HttpAnswer } from './http-answer.ts'
import { exchangeOver, type Lane } from './lane.ts'

const NO_HEADERS: ReadonlyMap<string, string> = new Map()
/** Milliseconds that a child has to end after its stdin did. */
const GRACE_MS = 3_000

/** A stdio server driven directly: all lanes share its two pipes, and answers find their lane by the request's id. */
export class StdioChild {
  readonly #child: ChildProcess
  readonly #lanes = new Map<string, StdioLane>()
  #pending = ''

  constructor([command = '', ...args]: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdout?.setEncoding('utf8').on('data', (piece: string) => this.#take(piece))
    this.#child.stdin?.on('error', ({ message }) => this.#lose(message))
    this.#child.on('error', ({ message }) => this.#lose(message))
    this.#child.on('exit', (code, signal) => this.#lose(`the child ended with ${signal ?? code}`))
  }

  /** One of the clients that share the child. The ids of their requests must differ. */
  lane(): Lane {
    return new StdioLane((text, lane) => this.#send(text, lane))
  }

  /** Resolves when the process has ended. */
  async close(): Promise<void> {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = new Promise((resolve) => this.#child.once('exit', resolve))
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS)
    this.#child.stdin?.end()
    await exited
    clearTimeout(killer)
  }

  #take(piece: string): void {
    const lines = (this.#pending + piece).split('\n')
    this.#pending = lines.pop() ?? ''
    for (const line of lines) this.#deliver(line)
  }

  #send(text: string, lane: StdioLane): void {
    const id = idIn(text)
    if (id !== undefined) this.#lanes.set(id, lane)
    this.#child.stdin?.write(text)
  }

  #deliver(line: string): void {
    const id = idIn(line)
    if (id === undefined) return
    const lane = this.#lanes.get(id)
    this.#lanes.delete(id)
    lane?.take(line)
  }

  #lose(why: string): void {
    const waiting = new Set(this.#lanes.values())
    this.#lanes.clear()
    for (const lane of waiting) lane.lose(why)
  }
}

/** A notification has none, and no answer. */
function idIn(text: string): string | undefined {
  return /"id":(\d+)/.exec(text)?.[1]
}

class StdioLane implements Lane {
  readonly #write: (text: string, lane: StdioLane) => void
  #onAnswer: (answer: HttpAnswer) => void = () => undefined
  #onLost: (why: string) => void = () => undefined

  constructor(write: (text: string, lane: StdioLane) => void) {
    this.#write = write
  }

  send(request: Buffer | string): void {
    this.#write(typeof request === 'string' ? request : request.toString('latin1'), this)
  }

  listen(onAnswer: (answer: HttpAnswer) => void, onLost: (why: string) => void): void {
    this.#onAnswer = onAnswer
    this.#onLost = onLost
  }

  exchange(request: Buffer | string, timeoutMs?: number): Promise<HttpAnswer> {
    return exchangeOver(this, request, timeoutMs)
  }

  take(line: string): void {
    this.#onAnswer({ status: 200, headers: NO_HEADERS, body: Buffer.from(line) })
  }

  lose(why: string): void {
    this.#onLost(why)
  }

  close(): void {
    this.#onLost = () => undefined
  }
}
