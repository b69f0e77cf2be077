import type { ServerResponse } from 'node:http'
import type { Headers } from './respond.js'

/** Bounds of a stream to a client (MCP.md rule 10). */
export interface StreamBounds {
  /** A reader that takes nothing for this long is cut, in milliseconds. @default 30_000 */
  readonly maxStallMs?: number | undefined
  /** Time between keep-alive comments, in milliseconds. @default 15_000 */
  readonly heartbeatMs?: number | undefined
}

const DEFAULT_MAX_STALL_MS = 30_000
const DEFAULT_HEARTBEAT_MS = 15_000
/** Data up to this size is copied between its framing, which is cheaper than three chunks. */
const COPIED_BYTES = 16 * 1024

/**
 * Server-sent events to one client: head, heartbeat, back pressure, and an end for a reader that does not read.
 * Closing the response ends the heartbeat.
 */
export class EventStream {
  readonly #response: ServerResponse
  readonly #maxStallMs: number
  #heartbeat: NodeJS.Timeout | undefined

  constructor(response: ServerResponse, headers: Headers, bounds: StreamBounds = {}) {
    const { maxStallMs = DEFAULT_MAX_STALL_MS, heartbeatMs = DEFAULT_HEARTBEAT_MS } = bounds
    this.#response = response
    this.#maxStallMs = maxStallMs
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    // The head goes out at the end of this turn, and with it what is sent until then: an answer that is there already
    // is one write to the socket instead of six.
    response.cork()
    response.flushHeaders()
    process.nextTick(() => this.#goOn(heartbeatMs))
  }

  // An answer that was there already has ended by now, and needs no heart.
  #goOn(heartbeatMs: number): void {
    const response = this.#response
    if (response.writableEnded || response.destroyed) return
    response.uncork()
    this.#heartbeat = setInterval(() => response.write(': keep-alive\n\n'), heartbeatMs).unref()
    response.once('close', () => clearInterval(this.#heartbeat))
  }

  /** Sends one event; the promise, if there is one, settles when the reader has caught up. */
  send(data: Buffer | string, event?: string): undefined | Promise<void> {
    return this.#write(event === undefined ? 'data: ' : `event: ${event}\ndata: `, data)
  }

  /** Sends one event that a client can resume after. */
  sendWithId(id: string, data: Buffer): undefined | Promise<void> {
    return this.#write(`id: ${id}\ndata: `, data)
  }

  /**
   * An id without data: a client that loses the connection now resumes from the very start, `retryMs` later
   * (2025-11-25 transports).
   */
  prime(id: string, retryMs: number): void {
    this.#response.write(`retry: ${retryMs}\nid: ${id}\ndata: \n\n`)
  }

  // One chunk per event; a large one is not copied for that.
  #write(head: string, data: Buffer | string): undefined | Promise<void> {
    const response = this.#response
    let took: boolean
    if (typeof data === 'string') took = response.write(`${head}${data}\n\n`)
    else if (data.length <= COPIED_BYTES) took = response.write(framed(head, data))
    else {
      response.write(head)
      response.write(data)
      took = response.write('\n\n')
    }
    return took || response.destroyed ? undefined : drained(response, this.#maxStallMs)
  }

  end(): void {
    clearInterval(this.#heartbeat)
    this.#response.end()
  }
}

function framed(head: string, data: Buffer): Buffer {
  const event = Buffer.allocUnsafe(head.length + data.length + 2)
  event.write(head, 0, 'latin1')
  data.copy(event, head.length)
  event.write('\n\n', head.length + data.length, 'latin1')
  return event
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
