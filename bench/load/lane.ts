import type { HttpAnswer } from './http-answer.ts'

/** What one client of a load speaks through: one request at a time, each with one answer. */
export interface Lane {
  /** Sends a request; the listener hears its answer. */
  send(request: Buffer | string): void
  /** Replaces who hears answers, and the loss of the lane. */
  listen(onAnswer: (answer: HttpAnswer) => void, onLost: (why: string) => void): void
  /** One request and its answer, for everything outside the measured loop. */
  exchange(request: Buffer | string, timeoutMs?: number): Promise<HttpAnswer>
  close(): void
}

/** {@link Lane.exchange} over the other members of a lane; 30 seconds by default. */
export function exchangeOver(
  lane: Pick<Lane, 'send' | 'listen'>,
  request: Buffer | string,
  timeoutMs = 30_000,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    const settle = (then: () => void): void => {
      clearTimeout(timer)
      then()
    }
    lane.listen(
      (answer) => settle(() => resolve(answer)),
      (why) => settle(() => reject(new Error(why))),
    )
    lane.send(request)
  })
}
