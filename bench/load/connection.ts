import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { type HttpAnswer, HttpAnswerReader } from './http-answer.ts'
import { exchangeOver, type Lane } from './lane.ts'

/** One keep-alive connection with at most one request in flight. */
export class Connection implements Lane {
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

  send(request: Buffer | string): void {
    this.#socket.write(request)
  }

  listen(onAnswer: (answer: HttpAnswer) => void, onLost: (why: string) => void): void {
    this.#onAnswer = onAnswer
    this.#onLost = onLost
  }

  exchange(request: Buffer | string, timeoutMs?: number): Promise<HttpAnswer> {
    return exchangeOver(this, request, timeoutMs)
  }

  close(): void {
    this.#onLost = () => undefined
    this.#socket.destroy()
  }
}
