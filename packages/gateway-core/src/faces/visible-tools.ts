import type { ListMethod } from '@mcp-platform/mcp-bridge'
import { type ReplyEnvelope, replaceSpan, scanReply } from '@mcp-platform/mcp-upstream'
import type { GatewayCall, GatewayReply } from '../call.js'
import type { FaceContext } from './context.js'

/** Which list a notification says has changed. */
const CHANGED: Readonly<Record<string, readonly ListMethod[]>> = {
  'notifications/tools/list_changed': ['tools/list'],
  'notifications/prompts/list_changed': ['prompts/list'],
  'notifications/resources/list_changed': ['resources/list', 'resources/templates/list'],
}

/** Forgets the lists that a notification of the template's server says have changed. */
export function forgetChanged({ lists }: FaceContext, template: string, method: string | undefined): void {
  for (const list of (method !== undefined && CHANGED[method]) || []) lists.invalidate(template, list)
}

/**
 * The answer as its caller may see it: `tools/list` names only tools that the same decision would let it call. Everything
 * else, and a list of which nothing is hidden, passes byte for byte.
 */
export function onlyVisible(reply: GatewayReply, call: GatewayCall, context: FaceContext): GatewayReply {
  const { method } = call.message.envelope
  if (method === 'subscriptions/listen')
    return noticing(reply, (changed) => forgetChanged(context, call.template, changed))
  if (method !== 'tools/list' || reply.kind === 'accepted') return reply
  const filter = (json: Buffer, envelope: ReplyEnvelope): Buffer => withoutHidden(json, envelope, call, context)
  if (reply.kind === 'complete') {
    const json = filter(reply.json, reply.envelope)
    return json === reply.json ? reply : { ...reply, json, envelope: scanReply(json) }
  }
  return {
    kind: 'stream',
    pipe: (sink) =>
      reply.pipe({
        message(json, envelope) {
          const visible = filter(json, envelope)
          return sink.message(visible, visible === json ? envelope : scanReply(visible))
        },
      }),
    cancel: (reason) => reply.cancel(reason),
  }
}

function noticing(reply: GatewayReply, notice: (method: string | undefined) => void): GatewayReply {
  if (reply.kind !== 'stream') return reply
  return {
    kind: 'stream',
    pipe: (sink) =>
      reply.pipe({
        message(json, envelope) {
          notice(envelope.method)
          return sink.message(json, envelope)
        },
      }),
    cancel: (reason) => reply.cancel(reason),
  }
}

function withoutHidden(
  json: Buffer,
  { result }: ReplyEnvelope,
  call: GatewayCall,
  { authorizer }: FaceContext,
): Buffer {
  if (!result) return json
  const parsed: unknown = JSON.parse(json.toString('utf8', result.start, result.end))
  if (typeof parsed !== 'object' || parsed === null || !('tools' in parsed) || !Array.isArray(parsed.tools)) return json
  const { principal, template } = call
  const tools = parsed.tools.filter((tool: unknown) => {
    const name = nameOf(tool)
    return name !== undefined && authorizer.allows(principal, { scope: 'tools:call', template, tool: name })
  })
  if (tools.length === parsed.tools.length) return json
  // What is left is for this caller alone.
  const scope = 'cacheScope' in parsed ? { cacheScope: 'private' } : {}
  return replaceSpan(json, result, Buffer.from(JSON.stringify({ ...parsed, tools, ...scope })))
}

function nameOf(tool: unknown): string | undefined {
  if (typeof tool !== 'object' || tool === null || !('name' in tool)) return undefined
  return typeof tool.name === 'string' ? tool.name : undefined
}
