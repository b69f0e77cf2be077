import { ProtocolError, RPC, type Sealer } from '@mcp-platform/mcp-bridge'
import {
  type ReplyEnvelope,
  replaceSpan,
  type Span,
  scanEnvelope,
  scanReply,
  scanResult,
} from '@mcp-platform/mcp-upstream'
import type { GatewayCall, GatewayReply } from './call.js'
import { GatewayError } from './errors.js'
import type { Route } from './route.js'

/** The extension without which a server must not answer with a task (SEP-2663). */
const TASKS = 'io.modelcontextprotocol/tasks'
const ABOUT_A_TASK: ReadonlySet<string | undefined> = new Set(['tasks/get', 'tasks/update', 'tasks/cancel'])
/** A longer id of a server, in characters, cannot be routed: sealed it would fit into no header. */
const MAX_OWN_ID = 1_024

/** Where a task lives. */
export interface TaskHome {
  readonly template: string
  readonly instanceId: string
  /** The id that its server gave it. */
  readonly taskId: string
}

/** A call about a task, as it goes to the instance that holds it; `answered` gives the client its own id back. */
export interface TaskCall {
  readonly call: GatewayCall
  answered(reply: GatewayReply): GatewayReply
}

/**
 * The ids of tasks as clients have them: sealed together with the template, the instance and the principal. So the one
 * instance that is sure to know the task is found by any process, after any restart, and nobody can ask for another's.
 * An id that was not sealed here goes to any instance as it is.
 */
export class TaskIds {
  readonly #sealer: Sealer

  constructor(sealer: Sealer) {
    this.#sealer = sealer
  }

  /** Undefined for an id that is not sealed, and for one that was sealed for somebody else. */
  homeOf(sealed: string, principal: string): TaskHome | undefined {
    const facts = this.#open(sealed)
    return facts?.['context'] === principal ? asHome(facts) : undefined
  }

  /** `homed`: the id is the server's own. */
  seal({ template, instanceId, taskId }: TaskHome, principal: string): string {
    return this.#sealer.seal('task', { context: principal, template, instanceId, taskId })
  }

  /**
   * The call as it goes to its instance; undefined for what is not about a task of ours.
   * @throws ProtocolError -32602 for a task of another template or principal
   */
  about(call: GatewayCall, route: Route): TaskCall | undefined {
    const { method, taskId, taskIdSpan } = call.message.envelope
    if (!ABOUT_A_TASK.has(method) || taskId === undefined || !taskIdSpan || !this.#open(taskId)) return undefined
    const home = this.homeOf(taskId, call.principal.id)
    if (home?.template !== call.template) throw new ProtocolError(RPC.invalidParams, 200, 'there is no such task')
    const body = replaceSpan(call.message.body, taskIdSpan, Buffer.from(JSON.stringify(home.taskId)))
    const message = { ...call.message, body, envelope: scanEnvelope(body) }
    // An instance that was removed took the task with it, unless the servers share their tasks: any of them can say so.
    const pinnedTo = call.pinnedTo ?? (route.endpoint(home.instanceId) ? home.instanceId : undefined)
    return {
      call: { ...call, message, pinnedTo },
      answered: (reply) => renamed(reply, (own) => (own === home.taskId ? taskId : undefined)),
    }
  }

  /**
   * The answer to a call that may have created a task, with the task's id sealed. Nothing that is asked about a task with an
   * id that cannot be routed would be sure to reach its server, so the client gets no such id: it is told why instead.
   * @throws GatewayError UPSTREAM_BAD_ANSWER for an id of more than 1,024 characters; of a stream, its `pipe` rejects
   */
  created(reply: GatewayReply, call: GatewayCall): GatewayReply {
    return renamed(reply, (taskId, result) => {
      const { instanceId } = call.trace
      if (instanceId === undefined || scanResult(result)?.resultType !== 'task') return undefined
      if (taskId.length > MAX_OWN_ID) throw unroutable(taskId, instanceId, call)
      return this.seal({ template: call.template, instanceId, taskId }, call.principal.id)
    })
  }

  #open(sealed: string): Readonly<Record<string, unknown>> | undefined {
    const facts = this.#sealer.open('task', sealed)
    return typeof facts === 'object' && facts !== null ? { ...facts } : undefined
  }
}

function unroutable({ length }: string, instanceId: string, { template, trace }: GatewayCall): GatewayError {
  return new GatewayError(
    'UPSTREAM_BAD_ANSWER',
    `the server created a task whose id has ${length} characters; only ids of ${MAX_OWN_ID} at most can be routed`,
    { template, instanceId, executed: 'unknown', attempts: trace.attempts, retryable: false },
  )
}

function asHome({ template, instanceId, taskId }: Readonly<Record<string, unknown>>): TaskHome | undefined {
  const isHome = typeof template === 'string' && typeof instanceId === 'string' && typeof taskId === 'string'
  return isHome ? { template, instanceId, taskId } : undefined
}

/** Whether the answer may name a new task. Answers to clients that know no tasks are not looked into. */
export function mayCreateTask({ caller, message }: GatewayCall): boolean {
  if (caller.era !== 'modern' || message.envelope.method !== 'tools/call') return false
  const { extensions } = caller.capabilities
  return typeof extensions === 'object' && extensions !== null && Object.hasOwn(extensions, TASKS)
}

type Rename = (taskId: string, within: Buffer) => string | undefined

function renamed(reply: GatewayReply, rename: Rename): GatewayReply {
  if (reply.kind === 'accepted') return reply
  if (reply.kind === 'complete') {
    const json = withTaskId(reply.json, reply.envelope.result, rename)
    return json === reply.json ? reply : { ...reply, json, envelope: scanReply(json) }
  }
  return {
    kind: 'stream',
    pipe: (sink) =>
      reply.pipe({
        message(json, envelope) {
          const changed = withTaskId(json, envelope.result, rename)
          return sink.message(changed, changed === json ? envelope : scanReply(changed))
        },
      }),
    cancel: (reason) => reply.cancel(reason),
  }
}

/** A notification about a task, with the id replaced that `rename` knows another for. */
export function renamedNotification(json: Buffer, { params }: ReplyEnvelope, rename: Rename): Buffer {
  return withTaskId(json, params, rename)
}

// Params and results carry the id in the same place.
function withTaskId(json: Buffer, within: Span | undefined, rename: Rename): Buffer {
  if (!within) return json
  const bytes = json.subarray(within.start, within.end)
  const found = scanResult(bytes)
  if (!found?.taskId || !found.taskIdSpan) return json
  const next = rename(found.taskId, bytes)
  if (next === undefined) return json
  return replaceSpan(json, within, replaceSpan(bytes, found.taskIdSpan, Buffer.from(JSON.stringify(next))))
}
