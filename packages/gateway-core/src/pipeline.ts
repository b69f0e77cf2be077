import type { Action } from '@mcp-platform/auth'
import type { Authorizer } from './authorizer.js'
import type { GatewayCall, GatewayReply } from './call.js'
import { CallerGoneError, DeadlineError, ShutdownError } from './errors.js'
import type { GatewayObserver } from './events.js'
import { dispatch } from './failover.js'
import { toGatewayError } from './failure.js'
import { chain, type Handler, type Interceptor } from './interceptors.js'
import { requiredScope } from './methods.js'
import { isNativeList, type NativeLists } from './native-lists.js'
import type { PrincipalLimits } from './principal-limits.js'
import type { Route } from './route.js'
import type { RouteTable } from './route-table.js'
import type { CallStats } from './stats.js'
import { mayCreateTask, type TaskIds } from './task-ids.js'
import { type FindTool, ToolHeaders } from './tool-headers.js'

export interface PipelineOptions {
  readonly routes: RouteTable
  readonly authorizer: Authorizer
  readonly interceptors: readonly Interceptor[]
  readonly limits: PrincipalLimits
  /** Refuses a REST call of a tool that the template does not have. */
  readonly requireTool: (call: GatewayCall, route: Route) => void | Promise<void>
  /** Limits per template and tool. @throws GatewayError RATE_LIMITED */
  readonly admit?: ((call: GatewayCall) => void) | undefined
  /** Takes the calls of templates that are audited. */
  readonly audit?: ((call: GatewayCall, end: CallEnd) => void) | undefined
  /** Answers list requests of MCP clients from the catalogue. */
  readonly nativeLists: NativeLists
  /** Finds the instance that holds a task. */
  readonly tasks: TaskIds
  /** The tool that a call names, for the headers that mirror its arguments. */
  readonly findTool: FindTool
  readonly stats: CallStats
  readonly now: () => number
  readonly onEvent: GatewayObserver
}

/** How a call ended. */
export interface CallEnd {
  /** `ok`, or the code of the problem. */
  readonly outcome: string
  readonly durationMs: number
  /** The template wants to keep what was called with, not only its hash. */
  readonly withArguments: boolean
}

/**
 * One request's way, top to bottom: admit, transform, authorize, route, then failover with acquire, exchange and
 * settle. Both faces come through here; there is no other way to a server.
 */
export class Pipeline {
  readonly #options: PipelineOptions
  readonly #handler: Handler
  readonly #toolHeaders: ToolHeaders

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#toolHeaders = new ToolHeaders(options.findTool)
    this.#handler = chain(options.interceptors, (call) => this.#execute(call))
  }

  /** @throws GatewayError, or CallerGoneError when nobody waits for the answer any more */
  async run(call: GatewayCall): Promise<GatewayReply> {
    const { limits, stats, now } = this.#options
    if (!call.internal) limits.enter(call.principal.id)
    stats.begin()
    const startedAt = now()
    try {
      const reply = await this.#handler(call)
      if (reply.kind === 'stream') return this.#finishedAtEnd(call, reply, startedAt)
      this.#finish(call, startedAt, undefined)
      return reply
    } catch (error) {
      throw this.#finish(call, startedAt, error)
    }
  }

  #execute(call: GatewayCall): Promise<GatewayReply> {
    const { authorizer, admit } = this.#options
    authorizer.require(call.principal, actionOf(call), { requestId: call.requestId, address: call.trace.address })
    // Only who may call at all can use up a limit that others share.
    if (!call.internal) admit?.(call)
    return this.#toInstance(call, this.#options.routes.require(call.template))
  }

  // Every promise between the face and the server costs turns of the microtask queue, so there is one only where
  // something has to be waited for.
  #toInstance(call: GatewayCall, route: Route): Promise<GatewayReply> {
    if (isNativeList(call)) return this.#options.nativeLists.answer(call, route, dispatch)
    const checked = this.#options.requireTool(call, route)
    return checked ? checked.then(() => this.#dispatch(call, route)) : this.#dispatch(call, route)
  }

  #dispatch(call: GatewayCall, route: Route): Promise<GatewayReply> {
    const { tasks } = this.#options
    const task = tasks.about(call, route)
    if (task) return dispatch(task.call, route).then((reply) => task.answered(reply))
    const reply = this.#toolHeaders.dispatch(call, route, dispatch)
    return mayCreateTask(call) ? reply.then((created) => tasks.created(created, call)) : reply
  }

  #finishedAtEnd(call: GatewayCall, reply: GatewayReply & { kind: 'stream' }, startedAt: number): GatewayReply {
    return {
      kind: 'stream',
      pipe: async (sink) => {
        try {
          await reply.pipe(sink)
          this.#finish(call, startedAt, undefined)
        } catch (error) {
          throw this.#finish(call, startedAt, error)
        }
      },
      cancel: (reason) => reply.cancel(reason),
    }
  }

  // Counts the call, tells the observer, and turns what the signal says into an answer.
  #finish(call: GatewayCall, startedAt: number, error: unknown): unknown {
    const { limits, stats, now, onEvent, routes } = this.#options
    const durationMs = now() - startedAt
    const answer = error === undefined ? undefined : asAnswer(error, call)
    const failed = answer !== undefined && !(answer instanceof CallerGoneError)
    if (!call.internal) limits.leave(call.principal.id)
    stats.end(failed, durationMs)
    const route = routes.find(call.template)
    if (route) count(route.stats, failed, durationMs)
    const outcome = outcomeOf(answer)
    const audit = route?.settings.audit ?? 'off'
    if (audit !== 'off')
      this.#options.audit?.(call, { outcome, durationMs, withArguments: audit === 'calls_with_arguments' })
    onEvent({
      type: 'call',
      requestId: call.requestId,
      face: call.face,
      principal: call.principal.id,
      template: call.template,
      method: call.message.envelope.method ?? '',
      name: call.message.envelope.name,
      instanceId: call.trace.instanceId,
      attempts: call.trace.attempts,
      durationMs,
      upstreamMs: call.trace.upstreamMs,
      outcome,
    })
    return answer
  }
}

function count(stats: CallStats, failed: boolean, durationMs: number): void {
  stats.begin()
  stats.end(failed, durationMs)
}

function actionOf(call: GatewayCall): Action {
  const { method, name } = call.message.envelope
  const scope = requiredScope(method)
  return { scope, template: call.template, tool: scope === 'tools:call' ? name : undefined }
}

function asAnswer(error: unknown, call: GatewayCall): unknown {
  if (error instanceof DeadlineError || error instanceof ShutdownError) {
    return toGatewayError({ error, sent: false, blame: 'none' }, call, false)
  }
  return error
}

function outcomeOf(answer: unknown): string {
  if (answer === undefined) return 'ok'
  return answer instanceof Error && 'code' in answer ? String(answer.code) : 'INTERNAL'
}
