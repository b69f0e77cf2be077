import {
  NoEndpointAvailableError,
  PinnedEndpointGoneError,
  QueueFullError,
  QueueTimeoutError,
} from '@mcp-platform/balancer'
import type { TemplateSettings } from '@mcp-platform/core-registry'
import type { GatewayCall } from './call.js'
import { GatewayError, type GatewayErrorFacts } from './errors.js'
import type { RouteHealth } from './route-health.js'

/** When to come back to a template whose instances are all busy or gone, in milliseconds. */
export const OVERLOADED_RETRY_AFTER_MS = 1_000
/** Instances that a message names at most. */
const MAX_NAMED = 8

/** What an explanation is made of. */
export interface RefusingRoute {
  readonly template: string
  readonly settings: Pick<TemplateSettings, 'queueSize' | 'queueTimeoutMs'>
  readonly health: Pick<RouteHealth, 'view'>
  endpoints(): Iterable<{ readonly id: string }>
}

/** Says why the balancer gave no instance; what is no refusal of its passes as it is. */
export function leaseRefusal(error: unknown, call: GatewayCall, route: RefusingRoute): unknown {
  const { template, settings } = route
  const refused = (code: Code, message: string) => new GatewayError(code, message, factsOf(call), error)
  if (error instanceof NoEndpointAvailableError) return refused('NO_INSTANCE_AVAILABLE', whyNone(route))
  if (error instanceof QueueFullError) {
    return refused(
      'QUEUE_FULL',
      `all instances of "${template}" are busy and its queue of ${settings.queueSize} is full`,
    )
  }
  if (error instanceof QueueTimeoutError) {
    return refused(
      'QUEUE_TIMEOUT',
      `no instance of "${template}" became free within ${settings.queueTimeoutMs / 1000} s`,
    )
  }
  if (error instanceof PinnedEndpointGoneError) return refused('SESSION_NOT_FOUND', whyGone(call))
  return error
}

type Code = ConstructorParameters<typeof GatewayError>[0]

function factsOf(call: GatewayCall): GatewayErrorFacts {
  return {
    template: call.template,
    executed: call.trace.mayHaveRun ? 'unknown' : 'no',
    retryable: true,
    attempts: call.trace.attempts,
    retryAfterMs: OVERLOADED_RETRY_AFTER_MS,
  }
}

function whyNone(route: RefusingRoute): string {
  const states = [...route.endpoints()].map(({ id }) => `${id} is ${route.health.view(id)?.status ?? 'unknown'}`)
  if (states.length === 0) return `template "${route.template}" has no instance; register one`
  return `no instance of "${route.template}" is available: ${states.slice(0, MAX_NAMED).join(', ')}`
}

function whyGone({ message }: GatewayCall): string {
  return message.envelope.taskId === undefined
    ? 'the instance that this session lived on is gone; initialize again'
    : 'the instance that holds this task takes no calls any more'
}
