/** What one side of a link can be asked, by name. Arguments and results must survive structured cloning. */
export type Methods = { readonly [name: string]: (args: never) => unknown }

/** How the methods of `M` are carried out. */
export type Handlers<M extends Methods> = {
  readonly [K in keyof M]: (...args: Parameters<M[K]>) => ReturnType<M[K]> | Promise<ReturnType<M[K]>>
}

/** A channel of messages between two processes: `process` in a worker, the worker in its primary. */
export interface MessagePort {
  send(message: object): void
  onMessage(listener: (message: unknown) => void): void
  /** The other process is gone. */
  onClose(listener: () => void): void
}

type Frame =
  | { readonly kind: 'ask'; readonly id: number; readonly name: string; readonly args: unknown }
  | { readonly kind: 'tell'; readonly name: string; readonly args: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly message: string; readonly code: string | undefined }

/** The other process failed to do what it was asked, or is gone (`LINK_CLOSED`). `code` is the one of its error. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  readonly code: string | undefined

  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/** Questions and notices between two processes, in order. */
export class Link<Remote extends Methods, Local extends Methods> {
  readonly #port: MessagePort
  readonly #handlers: Readonly<Record<string, (args: unknown) => unknown>>
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #lastId = 0
  #closed = false

  constructor(port: MessagePort, handlers: Handlers<Local>) {
    this.#port = port
    // Both ends are built from one table, so what arrives has the types that were sent.
    this.#handlers = handlers as Readonly<Record<string, (args: unknown) => unknown>>
    port.onMessage((message) => this.#onFrame(message as Frame))
    port.onClose(() => this.#onClose())
  }

  /** Asks and waits for the answer. @throws LinkError */
  ask<K extends keyof Remote & string>(name: K, ...args: Parameters<Remote[K]>): Promise<ReturnType<Remote[K]>> {
    if (this.#closed) return Promise.reject(closed())
    this.#lastId += 1
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(this.#lastId, waiting)
    this.#send({ kind: 'ask', id: this.#lastId, name, args: args[0] })
    return waiting.promise as Promise<ReturnType<Remote[K]>>
  }

  /** Says something; nobody answers, and nothing happens when the other process is gone. */
  tell<K extends keyof Remote & string>(name: K, ...args: Parameters<Remote[K]>): void {
    this.#send({ kind: 'tell', name, args: args[0] })
  }

  #onFrame(frame: Frame): void {
    if (frame.kind === 'ask') void this.#answer(frame.id, frame.name, frame.args)
    else if (frame.kind === 'tell') void this.#handlers[frame.name]?.(frame.args)
    else this.#settle(frame)
  }

  #settle(frame: Frame & { kind: 'answer' | 'failure' }): void {
    const waiting = this.#waiting.get(frame.id)
    this.#waiting.delete(frame.id)
    if (frame.kind === 'answer') waiting?.resolve(frame.result)
    else waiting?.reject(new LinkError(frame.message, frame.code))
  }

  async #answer(id: number, name: string, args: unknown): Promise<void> {
    try {
      const result = await this.#handlers[name]?.(args)
      this.#send({ kind: 'answer', id, result })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
      this.#send({ kind: 'failure', id, message, code })
    }
  }

  #send(frame: Frame): void {
    if (!this.#closed) this.#port.send(frame)
  }

  #onClose(): void {
    this.#closed = true
    for (const waiting of this.#waiting.values()) waiting.reject(closed())
    this.#waiting.clear()
  }
}

function closed(): LinkError {
  return new LinkError('the other process is gone', 'LINK_CLOSED')
}
