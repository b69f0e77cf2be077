import type { AuditEvent, AuthEvent, Denial, Mac } from '@mcp-platform/auth'
import type { CallEnd, ForeignSessionEvent, GatewayCall, GatewayEvent } from '@mcp-platform/gateway-core'
import { callEvent } from './call-audit.js'

/** Where audit events go: the trails of this node, or the primary of this worker. */
export interface AuditSink {
  denied(denial: Denial): void
  call(event: AuditEvent): void
}

/** Takes what must be audited in one process to its sink: refusals, and calls of templates that want it. */
export class Reporter {
  readonly #sink: AuditSink
  readonly #mac: Mac

  constructor(sink: AuditSink, mac: Mac) {
    this.#sink = sink
    this.#mac = mac
  }

  /** A credential that was refused. */
  identity(event: AuthEvent): void {
    if (event.type !== 'credential-refused') return
    const { subject = 'anonymous', problem, address } = event
    this.#sink.denied({ actor: subject, action: 'authenticate', reason: problem, address })
  }

  /** Something that somebody may not do over MCP. */
  gateway(event: GatewayEvent): void {
    if (event.type === 'foreign-session') this.#foreignSession(event)
    if (event.type !== 'denied') return
    const { principal, scope, reason, template, tool, requestId, address } = event
    const target = tool === undefined ? template : `${template}/${tool}`
    this.#sink.denied({ actor: principal, action: scope, reason, target, requestId, address })
  }

  #foreignSession({ principal, template, requestId, address }: ForeignSessionEvent): void {
    const target = template ?? '/mcp'
    this.#sink.denied({ actor: principal, action: 'session', reason: 'foreign-session', target, requestId, address })
  }

  readonly call = (call: GatewayCall, end: CallEnd): void => this.#sink.call(callEvent(call, end, this.#mac))
}
