/*
 * The load generator, a process of its own so that it can have a core of its own. It reads one order per line of stdin, as JSON,
 * and answers each with one line of JSON; it ends when stdin does.
 */
import { createInterface } from 'node:readline'
import { type Client, callOnce, type LoadTarget, openClient } from './client.ts'
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

async function carryOut(order: LoadOrder): Promise<LoadReply> {
  const clients: Client[] = []
  try {
    for (let count = 0; count < order.connections; count += 1) clients.push(await openClient(order))
    for (const client of clients) {
      const fault = await callOnce(client)
      if (fault !== undefined) return { error: fault }
    }
    return { sample: await drive(clients, order) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  } finally {
    for (const { connection } of clients) connection.close()
  }
}

function drive(clients: readonly Client[], { durationMs, requestsPerSecond }: LoadOrder): Promise<Sample> {
  if (requestsPerSecond === undefined) return closedLoop(clients, durationMs)
  return openLoop(clients, { durationMs, requestsPerSecond })
}

for await (const line of createInterface({ input: process.stdin })) {
  const reply = await carryOut(JSON.parse(line))
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}
