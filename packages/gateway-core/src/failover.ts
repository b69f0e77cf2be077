import { setTimeout as delay } from 'node:timers/promises'
import type { Lease } from '@mcp-platform/balancer'
import { bridge } from '@mcp-platform/mcp-bridge'
import type { ExchangeLimits, ExchangeOptions, Phase, UpstreamReply } from '@mcp-platform/mcp-upstream'
import { type GatewayCall, type GatewayReply, kindOf } from './call.js'
import { mayTryNext } from './failover-rules.js'
import { type Failure, judge, mayHaveRun, toGatewayError } from './failure.js'
import { settleStream } from './held-stream.js'
import { retryClass } from './methods.js'
import type { Route } from './route.js'
import type { RouteEndpoint } from './route-endpoints.js'

/** Pause before a repeat of something that was sent: a random time up to this, in milliseconds (AWS full jitter). */
const BACKOFF_MAX_MS = 250
const BACKOFF_MIN_MS = 25

type RouteLease = Lease<RouteEndpoint>
type StreamReply = UpstreamReply & { readonly kind: 'stream' }

/**
 * Steps 6 to 8 of the pipeline: lease an instance, exchange, settle, and go to the next instance where the table of
 * BALANCING.md allows it. The only loop on a request's way.
 * @throws GatewayError; `facts.executed` says whether the request may have run.
 */
export async function dispatch(call: GatewayCall, route: Route): Promise<GatewayReply> {
  let tried: Set<string> | undefined
  let repeats = 0
  route.budget.enter()
  try {
    let last: Failure | undefined
    for (;;) {
      // Nearly always there is a free instance, and nothing to wait for.
      const leased = nextLease(call, route, tried ?? NONE_TRIED, last)
      const lease = leased instanceof Promise ? await leased : leased
      if (!lease) throw finalError(call, route, last)
      const outcome = await attempt(call, route, lease)
      if ('reply' in outcome) return outcome.reply
      last = outcome.failure
      tried = (tried ?? new Set()).add(lease.endpoint.id)
      const again = mayRepeat(call, route, last)
      report(call, route, lease.endpoint, last, again)
      if (!again) throw finalError(call, route, last)
      if (last.sent) {
        repeats++
        await backOff(route, call.signal)
      }
    }
  } finally {
    route.budget.giveBack(repeats)
    route.budget.leave()
  }
}

// Another instance if there is one. The same one again only for a repeat of something that got there: an instance that
// could not be reached a moment ago cannot be reached now.
function nextLease(
  call: GatewayCall,
  route: Route,
  tried: ReadonlySet<string>,
  last: Failure | undefined,
): RouteLease | Promise<RouteLease | undefined> {
  return last === undefined ? route.lease(call, tried) : leaseAgain(call, route, tried, last)
}

async function leaseAgain(
  call: GatewayCall,
  route: Route,
  tried: ReadonlySet<string>,
  last: Failure,
): Promise<RouteLease | undefined> {
  const other = await route.lease(call, tried)
  return other ?? (last.sent ? route.lease(call, NONE_TRIED) : undefined)
}

const NONE_TRIED: ReadonlySet<string> = new Set()

function finalError(call: GatewayCall, route: Route, failure: Failure | undefined): Error {
  const known = failure ?? { error: new Error('no attempt was made'), sent: false, blame: 'none' }
  return toGatewayError(known, call, route.settings.failover.refusalIsBeforeExecution)
}

type Outcome = { readonly reply: GatewayReply } | { readonly failure: Failure }

async function attempt(call: GatewayCall, route: Route, lease: RouteLease): Promise<Outcome> {
  const startedAt = route.now()
  const phase: { now: Phase } = { now: 'connecting' }
  call.trace.attempts++
  call.trace.instanceId = lease.endpoint.id
  lease.endpoint.stats.begin()
  try {
    const first = await exchange(call, route, lease.endpoint, phase)
    const reply = first.kind === 'stream' ? await settleStream(first) : first
    if (reply.kind === 'stream') return { reply: settledAtEnd(reply, call, route, lease, startedAt) }
    succeed(call, route, lease, startedAt)
    return { reply }
  } catch (error) {
    const failure = judge(error, phase.now !== 'connecting', call)
    call.trace.mayHaveRun ||= mayHaveRun(failure, route.settings.failover.refusalIsBeforeExecution)
    fail(call, route, lease, startedAt, failure)
    return { failure }
  }
}

function exchange(
  call: GatewayCall,
  route: Route,
  endpoint: RouteEndpoint,
  phase: { now: Phase },
): Promise<UpstreamReply> {
  const options: ExchangeOptions = {
    signal: call.signal,
    limits: limitsOf(call, route),
    onPhase: (next) => {
      phase.now = next
    },
    onInterrupted: call.onInterrupted,
  }
  return bridge(endpoint.connection, call.caller, route.parked).exchange(call.message, options)
}

/** A subscription may have nothing to say for weeks: no silence ends it. What JSON cannot carry to other processes is no bound. */
const NEVER_IDLE_MS = 0x7fff_ffff

function limitsOf(call: GatewayCall, route: Route): ExchangeLimits {
  if (call.message.envelope.method === 'subscriptions/listen') return { ...route.readLimits, idleMs: NEVER_IDLE_MS }
  return retryClass(call.message.envelope.method) === 'call' ? route.callLimits : route.readLimits
}

// The lease is held until the body has ended; what fails after the first byte can only be told, not repeated.
function settledAtEnd(
  reply: StreamReply,
  call: GatewayCall,
  route: Route,
  lease: RouteLease,
  startedAt: number,
): GatewayReply {
  // A subscription may last for an hour and costs the instance nothing: it must not take a slot from calls.
  if (call.message.envelope.method === 'subscriptions/listen') {
    fail(call, route, lease, startedAt, { error: undefined, sent: true, blame: 'none' })
    return reply
  }
  return {
    kind: 'stream',
    async pipe(sink) {
      try {
        await reply.pipe(sink)
        succeed(call, route, lease, startedAt)
      } catch (error) {
        const failure = judge(error, true, call)
        fail(call, route, lease, startedAt, failure)
        throw finalError(call, route, failure)
      }
    },
    cancel: (reason) => reply.cancel(reason),
  }
}

function succeed(call: GatewayCall, route: Route, lease: RouteLease, startedAt: number): void {
  const latencyMs = route.now() - startedAt
  call.trace.upstreamMs = latencyMs
  lease.endpoint.stats.end(false, latencyMs)
  lease.release({ outcome: 'success', latencyMs, kind: kindOf(call) })
}

function fail(call: GatewayCall, route: Route, lease: RouteLease, startedAt: number, failure: Failure): void {
  const latencyMs = route.now() - startedAt
  call.trace.upstreamMs = latencyMs
  lease.endpoint.stats.end(failure.blame !== 'none', latencyMs)
  route.blame(lease, failure, call)
}

function mayRepeat(call: GatewayCall, route: Route, failure: Failure): boolean {
  if (call.trace.attempts > route.settings.maxRetries) return false
  if (!mayTryNext(call, failure, { settings: route.settings, tool: route.toolOf(call) })) return false
  return !failure.sent || route.budget.tryDraw()
}

async function backOff(route: Route, signal: AbortSignal): Promise<void> {
  const ms = BACKOFF_MIN_MS + route.random() * (BACKOFF_MAX_MS - BACKOFF_MIN_MS)
  // An abort is seen by the next attempt, which turns it into the right error.
  await delay(ms, undefined, { signal }).catch(() => undefined)
}

function report(call: GatewayCall, route: Route, endpoint: RouteEndpoint, failure: Failure, again: boolean): void {
  const { error } = failure
  route.onEvent({
    type: 'attempt-failed',
    requestId: call.requestId,
    template: call.template,
    instanceId: endpoint.id,
    attempt: call.trace.attempts,
    code: error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN',
    message: error instanceof Error ? error.message : String(error),
    sent: failure.sent,
    next: again ? 'another-instance' : 'give-up',
  })
}
