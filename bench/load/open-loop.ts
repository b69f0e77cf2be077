import type { Client } from './client.ts'
import { Recorder, type Sample } from './sample.ts'

/** How an open loop is driven. */
export interface OpenLoopOptions {
  readonly requestsPerSecond: number
  readonly durationMs: number
}

/**
 * Requests are due at a fixed rate whatever the server does, and latency counts from the moment a request was due. A server that
 * stalls is charged for everybody who would have waited (closed loops leave that out: G. Tene, "coordinated omission", 2013).
 */
export async function openLoop(
  clients: readonly Client[],
  { requestsPerSecond, durationMs }: OpenLoopOptions,
): Promise<Sample> {
  const loop = new Loop(clients, requestsPerSecond)
  const started = performance.now()
  await loop.run(durationMs)
  return loop.recorder.finish((performance.now() - started) / 1_000)
}

class Loop {
  readonly recorder = new Recorder()
  readonly #idle: Client[]
  readonly #intervalMs: number
  /** Moments at which requests were due that no connection was free for. */
  readonly #overdue: number[] = []
  #inFlight = 0
  #started = 0
  #due = 0

  constructor(clients: readonly Client[], requestsPerSecond: number) {
    this.#idle = [...clients]
    this.#intervalMs = 1_000 / requestsPerSecond
  }

  async run(durationMs: number): Promise<void> {
    this.#started = performance.now()
    const total = Math.floor(durationMs / this.#intervalMs)
    while (this.#due < total) {
      this.#sendDue(total)
      await tick()
    }
    while (this.#inFlight > 0 || (this.#overdue.length > 0 && this.#idle.length > 0)) {
      this.#sendOverdue()
      await tick()
    }
  }

  #sendDue(total: number): void {
    const elapsed = performance.now() - this.#started
    for (; this.#due < total && this.#due * this.#intervalMs <= elapsed; this.#due += 1) {
      this.#overdue.push(this.#started + this.#due * this.#intervalMs)
    }
    this.#sendOverdue()
  }

  #sendOverdue(): void {
    while (this.#overdue.length > 0) {
      const client = this.#idle.pop()
      if (client === undefined) return
      this.#send(client, this.#overdue.shift() ?? performance.now())
    }
  }

  #send(client: Client, dueAt: number): void {
    this.#inFlight += 1
    const { connection, requests } = client
    const onAnswer = ({ status, body }: { status: number; body: Buffer }): void => {
      this.#inFlight -= 1
      const fault = requests.fault(status, body)
      if (fault === undefined) this.recorder.right(performance.now() - dueAt)
      else this.recorder.wrong(fault)
      this.#idle.push(client)
    }
    connection.listen(onAnswer, (why) => {
      this.#inFlight -= 1
      this.recorder.wrong(why)
    })
    connection.send(requests.next())
  }
}

/** Lets answers come in; setTimeout's millisecond would be longer than the time between two requests. */
function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
