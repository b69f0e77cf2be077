import { type ReplyEnvelope, scanResult } from '@mcp-platform/mcp-upstream'
import type { GatewayCall, GatewayReply } from './call.js'
import type { Route } from './route.js'

/** The extension without which a server must not answer with a task (SEP-2663). */
const TASKS = 'io.modelcontextprotocol/tasks'
const NAMED_BY_TASK: ReadonlySet<string | undefined> = new Set(['tasks/get', 'tasks/update', 'tasks/cancel'])

/** The call as it goes to an instance: one about a task to the instance that holds it, where that is known. */
export function withTaskHome(call: GatewayCall, route: Route): GatewayCall {
  const { method, taskId } = call.message.envelope
  if (call.pinnedTo !== undefined || taskId === undefined || !NAMED_BY_TASK.has(method)) return call
  const home = route.tasks.find(call.principal.id, taskId)
  // An instance that was removed took the task with it, unless the servers share their tasks: any of them can say so.
  if (home === undefined || !route.endpoint(home)) return call
  return { ...call, pinnedTo: home }
}

/** The answer as it came; if it says that a task was created, the instance that said so is remembered as its home. */
export function learningTasks(reply: GatewayReply, call: GatewayCall, route: Route): GatewayReply {
  if (!mayCreateTask(call) || reply.kind === 'accepted') return reply
  if (reply.kind === 'complete') {
    learn(reply.json, reply.envelope, call, route)
    return reply
  }
  return {
    kind: 'stream',
    pipe: (sink) =>
      reply.pipe({
        message(json, envelope) {
          learn(json, envelope, call, route)
          return sink.message(json, envelope)
        },
      }),
    cancel: (reason) => reply.cancel(reason),
  }
}

// Answers of clients that know no tasks are not looked into.
function mayCreateTask({ caller, message }: GatewayCall): boolean {
  if (caller.era !== 'modern' || message.envelope.method !== 'tools/call') return false
  const { extensions } = caller.capabilities
  return typeof extensions === 'object' && extensions !== null && Object.hasOwn(extensions, TASKS)
}

function learn(json: Buffer, { result }: ReplyEnvelope, call: GatewayCall, route: Route): void {
  const { instanceId } = call.trace
  if (!result || instanceId === undefined) return
  const bytes = json.subarray(result.start, result.end)
  if (scanResult(bytes)?.resultType !== 'task') return
  const { taskId }: { taskId?: unknown } = JSON.parse(bytes.toString())
  if (typeof taskId === 'string') route.tasks.learn(call.principal.id, taskId, instanceId)
}
