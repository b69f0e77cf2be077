import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '@mcp-platform/auth'
import type { CallTrace } from '../call.js'
import type { FaceContext } from './context.js'

/** One HTTP exchange of a native MCP client on its way through this face. */
export interface NativeExchange {
  readonly context: FaceContext
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Absent: the aggregate over all templates. */
  readonly template: string | undefined
  readonly requestId: string
  readonly principal: Principal
  readonly trace: CallTrace
  readonly header: (name: string) => string | undefined
}
