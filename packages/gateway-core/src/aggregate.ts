import type { Principal } from '@mcp-platform/auth'
import { type Aggregate, type AggregatePart, aggregate, type ModernCaller, type Sealer } from '@mcp-platform/mcp-bridge'
import type { ServerIdentity, UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'
import { type CallTrace, type GatewayCall, newTrace } from './call.js'
import type { FaceContext } from './faces/context.js'
import { listenEverywhere } from './faces/native-listen.js'
import { AGGREGATE_SERVER } from './plain-caller.js'
import type { Route } from './route.js'

/** Whose view of all templates is wanted. */
export interface AggregateFacts {
  readonly context: FaceContext
  readonly principal: Principal
  readonly requestId: string
  readonly header: (name: string) => string | undefined
  readonly trace: CallTrace
  /** Who asks, in protocol terms; a legacy client says so only after the aggregate was made. */
  readonly caller: () => ModernCaller
}

/** All templates that a principal may use, as one server. Each part's call goes through the whole pipeline. */
export function aggregateFor(facts: AggregateFacts, sealer: Sealer): Aggregate {
  const { context, principal } = facts
  return aggregate({
    parts: partsOf(facts),
    follow(changed, signal) {
      const look = (): void => changed(partsOf(facts))
      context.templates.follow(look, signal)
      // What has changed since the parts above were taken.
      look()
    },
    dispatch: (template, message, { signal }) => dispatch(facts, template, message, signal),
    sealer,
    templateOfTask: (taskId) => context.tasks.homeOf(taskId, principal.id)?.template,
    serverInfo: AGGREGATE_SERVER,
    onPartFailed({ template, method, error }) {
      context.routes.find(template)?.stats.failed()
      context.onEvent({ type: 'list-failed', template, method, error })
    },
  })
}

function partsOf(facts: AggregateFacts): AggregatePart[] {
  const { routes, authorizer } = facts.context
  return routes
    .all()
    .filter(({ template }) => authorizer.allows(facts.principal, { scope: 'tools:read', template }))
    .map((route) => partOf(route, facts))
}

function partOf(route: Route, { context, principal, caller }: AggregateFacts): AggregatePart {
  const { template } = route
  return {
    template,
    identity: identityOf(route),
    list(method, { signal, maxAgeMs }) {
      const { capabilities, clientInfo } = caller()
      const asker = { principal, capabilities, clientInfo }
      return context.lists.visible({ template, method, principal, signal, maxAgeMs, asker })
    },
  }
}

// Learned by the probe, or by the first call; the instances of a template are copies of one server.
function identityOf(route: Route): ServerIdentity | undefined {
  for (const { connection } of route.endpoints()) if (connection.identity) return connection.identity
  return undefined
}

function dispatch(
  facts: AggregateFacts,
  template: string,
  message: UpstreamMessage,
  signal: AbortSignal,
): Promise<UpstreamReply> {
  const { context, principal, requestId, header } = facts
  const listens = message.envelope.method === 'subscriptions/listen'
  const call: GatewayCall = {
    requestId,
    face: 'native',
    template,
    principal,
    message,
    caller: facts.caller(),
    signal,
    header,
    trace: listens ? newTrace() : facts.trace,
  }
  return listens ? listenEverywhere(call, context) : context.pipeline.run(call)
}
