import { setTimeout as sleep } from 'node:timers/promises'
import {
  BadAnswerError,
  type GatewayClient,
  GatewayError,
  GatewayTimeoutError,
  GatewayUnreachableError,
} from '@mcp-platform/client'
import type { GatewayEventWire } from '@mcp-platform/contract'

/** First pause at most, in milliseconds; doubles with every attempt that brought nothing. */
const BASE_DELAY_MS = 500
const MAX_DELAY_MS = 30_000

/** Who ends it, and who hears that the stream was lost. */
export interface FollowOptions {
  readonly signal: AbortSignal
  /** Called before each pause: why (undefined: the gateway ended the stream), and how long. */
  readonly onLost: (reason: string | undefined, delayMs: number) => void
  /** Chance, 0 up to 1. @default Math.random */
  readonly random?: (() => number) | undefined
}

/** Follows the gateway's events over restarts and broken connections, until the signal aborts. @throws what no attempt cures */
export async function* followAlways(
  client: GatewayClient,
  { signal, onLost, random = Math.random }: FollowOptions,
): AsyncGenerator<GatewayEventWire> {
  for (let failures = 0; !signal.aborted; failures++) {
    let reason: string | undefined
    try {
      for await (const event of client.events({ signal })) {
        failures = 0
        yield event
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isPassing(error)) throw error
      reason = error instanceof Error ? error.message : String(error)
    }
    const delayMs = pauseFor(failures, random)
    onLost(reason, delayMs)
    await pause(delayMs, signal)
  }
}

// Half of it by chance: after a restart not everybody comes at once, and nobody hammers.
function pauseFor(failures: number, random: () => number): number {
  const longest = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** failures)
  return Math.round(longest * (0.5 + random() / 2))
}

// A proxy in front of a gateway that restarts answers with pages of its own.
function isPassing(error: unknown): boolean {
  if (error instanceof GatewayUnreachableError || error instanceof GatewayTimeoutError) return true
  if (error instanceof BadAnswerError) return error.status >= 500 || error.status === 200
  return error instanceof GatewayError && (error.status >= 500 || error.status === 429)
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
