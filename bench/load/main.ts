/*
 * The load generator, a process of its own so that it can have a core of its own. It reads one order per line of stdin, as JSON, and
 * answers with lines of JSON; it ends when stdin does. Before and after what is measured it stops, says so, and goes on with the next
 * line that comes: opening and ending sessions is nobody's cost per request.
 */
import { createInterface } from 'node:readline'
import { type Client, callOnce, type LoadTarget, openCrew } from './client.ts'
import { closedLoop } from './closed-loop.ts'
import { openLoop } from './open-loop.ts'
import type { Sample } from './sample.ts'

/** One order. */
export interface LoadOrder extends LoadTarget {
  readonly connections: number
  readonly durationMs: number
  /** Present: an open loop at this rate. */
  readonly requestsPerSecond?: number | undefined
}

/** The answer to an order: a sample, or why there is none. */
export type LoadReply = { readonly sample: Sample } | { readonly error: string }

/** A stop on the way to the answer: every client is ready, or the last request was answered. */
export interface LoadStop {
  readonly stop: 'ready' | 'measured'
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

async function carryOut(order: LoadOrder): Promise<LoadReply> {
  try {
    const crew = await openCrew(order, order.connections)
    try {
      return await measure(crew.clients, order)
    } finally {
      await crew.close()
    }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

async function measure(clients: readonly Client[], order: LoadOrder): Promise<LoadReply> {
  for (const client of clients) {
    const fault = await callOnce(client)
    if (fault !== undefined) return { error: fault }
  }
  await stop('ready')
  const sample = await drive(clients, order)
  await stop('measured')
  return { sample }
}

async function stop(at: LoadStop['stop']): Promise<void> {
  say({ stop: at })
  await lines.next()
}

function drive(clients: readonly Client[], { durationMs, requestsPerSecond }: LoadOrder): Promise<Sample> {
  if (requestsPerSecond === undefined) return closedLoop(clients, durationMs)
  return openLoop(clients, { durationMs, requestsPerSecond })
}

function say(line: LoadReply | LoadStop): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

for (let next = await lines.next(); next.done !== true; next = await lines.next())
  say(await carryOut(JSON.parse(next.value)))
