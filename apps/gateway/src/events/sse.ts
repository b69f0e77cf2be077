import type { ServerResponse } from 'node:http'
import type { GatewayEventWire } from '@mcp-platform/contract'

const KEEP_ALIVE_MS = 15_000
/** A reader that takes nothing for this long is cut. */
const MAX_STALL_MS = 30_000

/** Writes events to one client until they end or the client goes. */
export async function streamEvents(response: ServerResponse, events: AsyncIterable<GatewayEventWire>): Promise<void> {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  })
  response.flushHeaders()
  const keepAlive = setInterval(() => response.write(': keep-alive\n\n'), KEEP_ALIVE_MS)
  keepAlive.unref()
  try {
    for await (const event of events) {
      if (!response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)) await drained(response)
    }
  } finally {
    clearInterval(keepAlive)
    response.end()
  }
}

function drained(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (response.destroyed) resolve()
  const cut = setTimeout(() => response.destroy(), MAX_STALL_MS)
  cut.unref()
  const done = (): void => {
    clearTimeout(cut)
    response.off('drain', done)
    response.off('close', done)
    resolve()
  }
  response.once('drain', done)
  response.once('close', done)
  return promise
}
