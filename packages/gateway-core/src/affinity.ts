import type { TemplateSettings } from '@mcp-platform/core-registry'
import type { GatewayCall } from './call.js'

/** What keeps related calls on one instance, by the template's setting; undefined: nothing does. */
export function affinityKey(call: GatewayCall, affinity: TemplateSettings['affinity']): string | undefined {
  switch (affinity?.by) {
    case 'principal':
      return call.principal.id
    case 'header':
      return affinity.name === undefined ? undefined : call.header(affinity.name.toLowerCase())
    case 'argument':
      return argument(call, affinity.name)
    default:
      return undefined
  }
}

function argument(call: GatewayCall, name: string | undefined): string | undefined {
  const span = call.message.envelope.arguments
  if (!span || name === undefined) return undefined
  const values: unknown = JSON.parse(call.message.body.toString('utf8', span.start, span.end))
  if (typeof values !== 'object' || values === null) return undefined
  const value = Object.entries(values).find(([key]) => key === name)?.[1]
  return value === undefined ? undefined : JSON.stringify(value)
}
