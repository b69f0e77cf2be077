import { connect, type Socket } from 'node:net'

const HEAD_END = '\r\n\r\n'

/** One kept connection that asks, waits for the answer, and asks again: raw, so that it costs next to nothing itself. */
export class Caller {
  readonly #socket: Socket
  #answered: PromiseWithResolvers<void> | undefined
  #received = ''

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1')
    this.#socket.on('data', (text: string) => this.#receive(text))
    this.#socket.on('error', (error) => this.#answered?.reject(error))
    this.#socket.on('close', () => this.#answered?.reject(new Error('the connection was closed')))
  }

  /** Resolves when the whole answer is here. @throws an Error unless its status is 200 */
  ask(request: string): Promise<void> {
    this.#answered = Promise.withResolvers<void>()
    this.#received = ''
    this.#socket.write(request)
    return this.#answered.promise
  }

  close(): void {
    this.#answered = undefined
    this.#socket.destroy()
  }

  #receive(text: string): void {
    this.#received += text
    const head = this.#received.indexOf(HEAD_END)
    if (head < 0) return
    const length = Number(/^content-length: (\d+)/im.exec(this.#received.slice(0, head))?.[1])
    if (this.#received.length < head + HEAD_END.length + length) return
    if (this.#received.startsWith('HTTP/1.1 200 ')) this.#answered?.resolve()
    else this.#answered?.reject(new Error(this.#received.split('\r\n', 1)[0]))
  }
}
