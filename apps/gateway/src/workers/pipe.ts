import { Agent, request as openRequest } from 'node:http'
import { type PipedExchange, pipedHeaders, pipeThrough } from './pipe-through.js'
import { UnderWay } from './under-way.js'

export { PipeBrokenError, type PipedExchange } from './pipe-through.js'

/** Sends whole HTTP exchanges to other processes over their local sockets, and knows how many are under way. */
export class Pipes {
  // Idle sockets are never closed by the other side while it lives, so that none breaks under a request.
  readonly #agent = new Agent({ keepAlive: true })
  readonly #underWay = new UnderWay()

  /**
   * Lets the process behind `socketPath` answer; `headers` are names and values in turn. Resolves to true when the answer
   * has ended, whoever ended it; to false when nobody is there, and nothing was sent.
   * @throws PipeBrokenError before anything was answered; an answer that has begun is cut
   */
  send(socketPath: string, exchange: PipedExchange, headers: readonly string[] = []): Promise<boolean> {
    return this.#underWay.follow(async () => {
      const { method, url: path } = exchange.request
      const options = { socketPath, agent: this.#agent, method, path, headers: pipedHeaders(exchange, headers) }
      return (await pipeThrough(openRequest(options), exchange)) === 'answered'
    })
  }

  /** Resolves when nothing is under way, after `graceMs` at the latest, at once when `hurry` aborts. */
  untilIdle(graceMs: number, hurry: AbortSignal): Promise<void> {
    return this.#underWay.untilNone(graceMs, hurry)
  }

  close(): void {
    this.#agent.destroy()
  }
}
