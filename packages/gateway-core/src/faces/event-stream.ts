import type { ServerResponse } from 'node:http'
import type { Headers } from './respond.js'

/** Time between keep-alive comments (MCP.md rule 10), in milliseconds. */
const HEARTBEAT_MS = 15_000
/** A reader that takes nothing for this long is cut (MCP.md rule 10), in milliseconds. */
export const DEFAULT_MAX_STALL_MS = 30_000

/**
 * Server-sent events to one client: head, heartbeat, back pressure, and an end for a reader that does not read.
 * Closing the response ends the heartbeat.
 */
export class EventStream {
  readonly #response: ServerResponse
  readonly #maxStallMs: number
  readonly #heartbeat: NodeJS.Timeout

  constructor(response: ServerResponse, headers: Headers, maxStallMs: number = DEFAULT_MAX_STALL_MS) {
    this.#response = response
    this.#maxStallMs = maxStallMs
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    response.flushHeaders()
    this.#heartbeat = setInterval(() => response.write(': keep-alive\n\n'), HEARTBEAT_MS).unref()
    response.once('close', () => clearInterval(this.#heartbeat))
  }

  /** Sends one event; the promise, if there is one, settles when the reader has caught up. */
  send(data: Buffer | string, event?: string): undefined | Promise<void> {
    const head = event === undefined ? 'data: ' : `event: ${event}\ndata: `
    this.#response.write(head)
    this.#response.write(data)
    if (this.#response.write('\n\n') || this.#response.destroyed) return undefined
    return drained(this.#response, this.#maxStallMs)
  }

  /** Sends one event that a client can resume after. */
  sendWithId(id: string, data: Buffer): undefined | Promise<void> {
    this.#response.write(`id: ${id}\n`)
    return this.send(data)
  }

  /**
   * An id without data: a client that loses the connection now resumes from the very start, `retryMs` later
   * (2025-11-25 transports).
   */
  prime(id: string, retryMs: number): void {
    this.#response.write(`retry: ${retryMs}\nid: ${id}\ndata: \n\n`)
  }

  end(): void {
    clearInterval(this.#heartbeat)
    this.#response.end()
  }
}

function drained(response: ServerResponse, maxStallMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A slow reader would hold the instance's slot for as long as it likes.
    const cut = setTimeout(() => response.destroy(), maxStallMs).unref()
    const done = (): void => {
      clearTimeout(cut)
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
  })
}
