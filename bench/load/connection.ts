import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { type HttpAnswer, HttpAnswerReader } from './http-answer.ts'

/** One keep-alive connection with at most one request in flight. */
export class Connection {
  readonly #socket: Socket
  readonly #reader = new HttpAnswerReader()
  #onAnswer: (answer: HttpAnswer) => void = () => undefined
  #onLost: (why: string) => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => {
      const answer = this.#reader.push(bytes)
      if (answer !== undefined) this.#onAnswer(answer)
    })
    socket.on('error', ({ message }) => this.#onLost(message))
    socket.on('close', () => this.#onLost('the server closed the connection'))
  }

  static async open({ hostname, port }: URL): Promise<Connection> {
    const socket = createConnection({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /** Sends a request; the listener hears its answer. */
  send(request: Buffer | string): void {
    this.#socket.write(request)
  }

  /** Replaces who hears answers, and the loss of the connection. */
  listen(onAnswer: (answer: HttpAnswer) => void, onLost: (why: string) => void): void {
    this.#onAnswer = onAnswer
    this.#onLost = onLost
  }

  /** One request and its answer, for everything outside the measured loop. */
  exchange(request: Buffer | string, timeoutMs = 10_000): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
      const settle = (then: () => void): void => {
        clearTimeout(timer)
        then()
      }
      this.listen(
        (answer) => settle(() => resolve(answer)),
        (why) => settle(() => reject(new Error(why))),
      )
      this.send(request)
    })
  }

  close(): void {
    this.#onLost = () => undefined
    this.#socket.destroy()
  }
}
