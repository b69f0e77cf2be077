import type { Principal } from '@mcp-platform/auth'
import type { CallerProfile } from '@mcp-platform/mcp-bridge'
import type { UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'

/** What is learned about a call on its way; written by the pipeline, read by the faces and by telemetry. */
export interface CallTrace {
  attempts: number
  /** Some attempt may have reached a server: an error must say so, whatever the last attempt did. */
  mayHaveRun: boolean
  instanceId: string | undefined
  /** Time spent in the last attempt, in milliseconds. */
  upstreamMs: number
  /** Where the request came from. */
  readonly address: string | undefined
}

/** One request to one template, after the face has read it and before it has gone anywhere. */
export interface GatewayCall {
  readonly requestId: string
  readonly face: 'rest' | 'native'
  readonly template: string
  readonly principal: Principal
  readonly message: UpstreamMessage
  readonly caller: CallerProfile
  /** Aborts when the caller is gone, the deadline has passed, or the gateway stops. */
  readonly signal: AbortSignal
  /** A request header by lower-case name, for affinity. */
  readonly header: (name: string) => string | undefined
  /** The instance that a session lives on. */
  readonly pinnedTo?: string | undefined
  /** The server interrupted its answer and means to be asked for the rest later: see `ExchangeOptions.onInterrupted`. */
  readonly onInterrupted?: (() => void) | undefined
  /** Made by the gateway itself for a call that was counted already: no limit counts it again. It is authorised like any. */
  readonly internal?: boolean | undefined
  readonly trace: CallTrace
}

/** The answer on its way back; its body may still be coming. */
export type GatewayReply = UpstreamReply

export function newTrace(address?: string): CallTrace {
  return { attempts: 0, mayHaveRun: false, instanceId: undefined, upstreamMs: 0, address }
}

/** What latencies are compared within: the same method and tool. */
export function kindOf(call: GatewayCall): string {
  const { method, name } = call.message.envelope
  return name === undefined ? (method ?? '') : `${method} ${name}`
}
