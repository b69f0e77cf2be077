import { UpstreamChildExitedError, UpstreamClosedError, type UpstreamError, UpstreamResetError } from '../errors.js'
import type { OnUpstreamEvent } from '../events.js'
import { settlesWithin } from './abortable.js'
import type { Child, ChildExit } from './child.js'
import { LineReader } from './line-reader.js'
import { LineWriter } from './line-writer.js'
import { Multiplexer } from './multiplexer.js'
import { printable } from './printable.js'
import { StderrDrain } from './stderr-drain.js'

/** Why a channel ended: the child ended by itself, nobody used it, or we wanted it gone. */
export type ChannelEnd = 'exited' | 'idle' | 'closed'

/** What a {@link Channel} needs besides its child. */
export interface ChannelOptions {
  readonly maxAnswerBytes: number
  readonly now: () => number
  readonly onEvent?: OnUpstreamEvent | undefined
}

/**
 * The last answers of a child lie in the pipe when it exits. A helper that holds the pipe keeps it open for ever,
 * so they are waited for no longer than this.
 */
const LAST_WORDS_MS = 50
const STDERR_TAIL_LINES = 20
// Node.js writes its reason first, and a dozen lines of stack below it.
const LAST_WORDS_LINES = 16
const LAST_WORDS_LINE_BYTES = 500

/** A running child with a JSON-RPC conversation on its pipes. Somebody must call {@link Channel.stop}. */
export class Channel {
  readonly pid: number
  readonly startedAtMs: number
  readonly multiplexer: Multiplexer
  readonly #child: Child
  readonly #options: ChannelOptions
  readonly #writer: LineWriter
  readonly #stderr: StderrDrain
  readonly #ended = new AbortController()
  #end: ChannelEnd | undefined
  #exit: ChildExit | undefined

  constructor(child: Child, options: ChannelOptions) {
    this.#child = child
    this.#options = options
    this.pid = child.pid
    this.startedAtMs = options.now()
    this.#writer = new LineWriter(child.stdin)
    this.multiplexer = new Multiplexer({ ...options, pid: child.pid, writer: this.#writer })
    this.#stderr = new StderrDrain((line, dropped) => this.#onStderrLine(line, dropped), options.now)
    this.#readStdout()
    this.#readStderr()
    child.stdin.once('error', () => void this.#onBrokenInput())
    void child.exit.then((exit) => this.#onExit(exit))
  }

  /** Aborts as soon as nothing can be asked of the child any more. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** Why it ended; undefined while it runs. */
  get end(): ChannelEnd | undefined {
    return this.#end
  }

  /** The last lines that the child wrote to stderr. For operators, not for callers. */
  stderrTail(): string[] {
    return this.#stderr.tail()
  }

  /** What callers get when the child has ended. */
  exitError(sent: boolean): UpstreamError {
    if (this.#end !== 'exited') return new UpstreamClosedError({ sent })
    if (!this.#exit) return new UpstreamResetError({ sent })
    const stderrTail = this.stderrTail().slice(-STDERR_TAIL_LINES).join('\n')
    return new UpstreamChildExitedError({ ...this.#exit, sent, stderrTail })
  }

  /** Fails what is in flight, ends the process group and lets go of the pipes. Idempotent, bounded, never rejects. */
  async stop(because: 'idle' | 'closed' = 'closed'): Promise<void> {
    this.#finish(because)
    await this.#child.stop()
  }

  /** It runs and does not answer: ends it as if it had exited, so that another is started in its place. */
  giveUp(): void {
    this.#finish('exited')
    void this.#child.stop()
  }

  async #onExit(exit: ChildExit): Promise<void> {
    this.#exit = exit
    const { stdout } = this.#child
    if (!stdout.readableEnded) {
      await settlesWithin(new Promise((resolve) => stdout.once('close', resolve)), LAST_WORDS_MS)
    }
    this.#finish('exited')
    const expected = this.#end !== 'exited'
    const lastWords = expected ? [] : this.#lastWords()
    this.#options.onEvent?.({ type: 'child_exited', pid: this.pid, ...exit, expected, lastWords })
    // Whatever the child started and left behind goes with it.
    await this.#child.stop()
  }

  #lastWords(): string[] {
    const lines = this.stderrTail().filter((line) => line.trim() !== '')
    return lines.slice(-LAST_WORDS_LINES).map((line) => printable(Buffer.from(line), LAST_WORDS_LINE_BYTES))
  }

  /** A write failed: as a rule the child has just died. One that lives on and takes no input is of no use. */
  async #onBrokenInput(): Promise<void> {
    if (!(await settlesWithin(this.#child.exit, LAST_WORDS_MS))) this.giveUp()
  }

  #finish(end: ChannelEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    const failure = (sent: boolean): UpstreamError => this.exitError(sent)
    // First the requests, with what they know about being sent; then the writer, so that it finds none of them waiting.
    this.multiplexer.end(failure)
    this.#writer.close(failure(true))
    this.#ended.abort()
  }

  #readStdout(): void {
    const reader = new LineReader(this.#options.maxAnswerBytes, {
      line: (line) => this.multiplexer.receive(line),
      oversize: (head) => this.multiplexer.receiveOversize(head),
    })
    const { stdout } = this.#child
    stdout.on('data', (chunk: Buffer) => reader.push(chunk))
    stdout.on('end', () => reader.end())
    // A broken pipe ends the conversation as the end of the file does; the exit of the child follows and says why.
    stdout.on('error', () => reader.end())
  }

  #readStderr(): void {
    const { stderr } = this.#child
    stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk))
    stderr.on('end', () => this.#stderr.end())
    stderr.on('error', () => this.#stderr.end())
  }

  #onStderrLine(line: string, dropped: number): void {
    this.#options.onEvent?.({ type: 'child_stderr', pid: this.pid, line, dropped })
  }
}
