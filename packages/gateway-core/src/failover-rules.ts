import type { TemplateSettings } from '@mcp-platform/core-registry'
import type { ListItem } from '@mcp-platform/mcp-bridge'
import type { GatewayCall } from './call.js'
import { type Failure, isRefusal, isVerdict } from './failure.js'
import { retryClass } from './methods.js'

export interface FailoverContext {
  readonly settings: TemplateSettings
  /** The tool as the template's cached list has it; never from the request. */
  readonly tool: ListItem | undefined
}

/**
 * BALANCING.md's table: may this request go to another instance after this failure?
 * Decided by how far the attempt got and by what the request does, never by an error code.
 */
export function mayTryNext(call: GatewayCall, failure: Failure, context: FailoverContext): boolean {
  if (call.signal.aborted || call.pinnedTo !== undefined || isVerdict(failure.error)) return false
  if (!failure.sent) return true
  if (isRefusal(failure) && context.settings.failover.refusalIsBeforeExecution) return true
  switch (retryClass(call.message.envelope.method)) {
    case 'safe':
    case 'initialize':
      return true
    case 'read':
      return context.settings.failover.retryReads
    case 'call':
      return isRepeatable(call, context)
    case 'once':
      return false
  }
}

/** True for a tool that may run twice: the operator said so, or its annotations did and the operator trusts them. */
export function isRepeatable(call: GatewayCall, context: FailoverContext): boolean {
  const { envelope } = call.message
  if (envelope.requestState !== undefined || envelope.hasInputResponses) return false
  const override = envelope.name === undefined ? undefined : context.settings.failover.tools[envelope.name]
  if (override !== undefined) return override === 'safe'
  return context.settings.failover.trustAnnotations && hintsSafe(context.tool)
}

function hintsSafe(tool: ListItem | undefined): boolean {
  const annotations = tool?.['annotations']
  if (typeof annotations !== 'object' || annotations === null) return false
  return flag(annotations, 'readOnlyHint') || flag(annotations, 'idempotentHint')
}

function flag(annotations: object, name: string): boolean {
  return Object.entries(annotations).some(([key, value]) => key === name && value === true)
}
