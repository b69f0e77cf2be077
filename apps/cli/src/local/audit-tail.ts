import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditOptions, GatewayClient } from '@mcp-platform/client'
import type { AuditEventView } from '@mcp-platform/contract'

const POLL_MS = 2_000
/** Denials are put together and written late: look back further than the newest event. */
const LOOK_BACK_MS = 90_000

/** What the trail has, then what is added, each event once and the oldest first, until the signal aborts. */
export async function* followAudit(
  client: GatewayClient,
  query: AuditOptions,
  signal: AbortSignal,
): AsyncGenerator<AuditEventView> {
  const seen = new Map<string, number>()
  let next = query
  let oldestShown: number | undefined
  while (!signal.aborted) {
    const fresh = await freshEvents(client, { ...next, signal }, seen)
    yield* fresh
    oldestShown ??= Date.parse(fresh[0]?.at ?? new Date(0).toISOString())
    forgetBefore(seen, Date.now() - 2 * LOOK_BACK_MS)
    // Not further back than what was shown first: the limit left the rest out.
    next = { ...query, limit: undefined, since: new Date(Math.max(oldestShown, Date.now() - LOOK_BACK_MS)) }
    await pause(signal)
  }
}

async function freshEvents(
  client: GatewayClient,
  query: AuditOptions,
  seen: Map<string, number>,
): Promise<AuditEventView[]> {
  const events: AuditEventView[] = []
  try {
    for await (const event of client.audit(query)) if (!seen.has(event.id)) events.unshift(event)
  } catch (error) {
    if (query.signal?.aborted !== true) throw error
  }
  for (const { id, at } of events) seen.set(id, Date.parse(at))
  return events
}

function forgetBefore(seen: Map<string, number>, instant: number): void {
  for (const [id, at] of seen) if (at < instant) seen.delete(id)
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(POLL_MS, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
