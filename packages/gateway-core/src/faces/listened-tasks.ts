import type { JsonObject } from '@mcp-platform/mcp-bridge'
import { type ReplyEnvelope, scanEnvelope, type UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { GatewayCall } from '../call.js'
import { renamedNotification, type TaskHome, type TaskIds } from '../task-ids.js'

interface Listened extends TaskHome {
  /** The id that the client has. */
  readonly sealed: string
}

/** The tasks that one subscription names (`taskIds`): each is listened to where it lives, under its server's own id. */
export class ListenedTasks {
  readonly #message: UpstreamMessage
  readonly #filter: JsonObject
  readonly #tasks: readonly Listened[]

  constructor({ message, principal, template }: GatewayCall, ids: TaskIds) {
    this.#message = message
    this.#filter = filterOf(message)
    const { taskIds } = this.#filter
    const sealed = Array.isArray(taskIds) ? taskIds.filter((id) => typeof id === 'string') : []
    this.#tasks = sealed.flatMap((id) => {
      const home = ids.homeOf(id, principal.id)
      return home?.template === template ? [{ ...home, sealed: id }] : []
    })
  }

  /** The instance that should speak for the subscription; undefined when no task is named. */
  get firstHome(): string | undefined {
    return this.#tasks[0]?.instanceId
  }

  /** The subscription as it goes to one instance: without the tasks of others. */
  messageFor(instanceId: string | undefined): UpstreamMessage {
    if (this.#filter['taskIds'] === undefined) return this.#message
    const taskIds = this.#tasks.filter((task) => task.instanceId === instanceId).map(({ taskId }) => taskId)
    const { taskIds: _sealed, ...rest } = this.#filter
    return withFilter(this.#message, taskIds.length === 0 ? rest : { ...rest, taskIds })
  }

  /** A notification of an instance, with the id that the client knows. */
  heard(json: Buffer, envelope: ReplyEnvelope, instanceId: string): Buffer {
    if (this.#tasks.length === 0 || envelope.method?.startsWith('notifications/tasks') !== true) return json
    return renamedNotification(json, envelope, (own) => this.#sealedOf(own, instanceId))
  }

  /** The acknowledgement of the first instance, which knows only its own tasks. */
  acknowledged(json: Buffer): Buffer {
    if (this.#tasks.length === 0) return json
    const whole: { params?: { notifications?: JsonObject } } = JSON.parse(json.toString())
    if (whole.params?.notifications?.['taskIds'] === undefined) return json
    const notifications = { ...whole.params.notifications, taskIds: this.#tasks.map(({ sealed }) => sealed) }
    return Buffer.from(JSON.stringify({ ...whole, params: { ...whole.params, notifications } }))
  }

  #sealedOf(own: string, instanceId: string): string | undefined {
    return this.#tasks.find((task) => task.taskId === own && task.instanceId === instanceId)?.sealed
  }
}

function filterOf({ body, envelope }: UpstreamMessage): JsonObject {
  if (!envelope.params) return {}
  const params: { notifications?: unknown } = JSON.parse(
    body.toString('utf8', envelope.params.start, envelope.params.end),
  )
  return typeof params.notifications === 'object' && params.notifications !== null ? { ...params.notifications } : {}
}

function withFilter(message: UpstreamMessage, notifications: JsonObject): UpstreamMessage {
  const whole: { params?: JsonObject } = JSON.parse(message.body.toString())
  const body = Buffer.from(JSON.stringify({ ...whole, params: { ...whole.params, notifications } }))
  return { ...message, body, envelope: scanEnvelope(body) }
}
