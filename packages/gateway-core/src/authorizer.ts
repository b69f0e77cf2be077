import type { Action, Decision, Principal } from '@mcp-platform/auth'
import { GatewayError } from './errors.js'
import type { GatewayObserver } from './events.js'

/** Which request it is, and where it comes from. */
export interface Origin {
  readonly requestId?: string | undefined
  readonly address?: string | undefined
}

/** The one door that every action of a caller goes through: asks `decide`, tells the observer of each refusal. */
export class Authorizer {
  readonly #decide: (principal: Principal, action: Action) => Decision
  readonly #onEvent: GatewayObserver

  constructor(options: {
    readonly decide: (principal: Principal, action: Action) => Decision
    readonly onEvent: GatewayObserver
  }) {
    this.#decide = options.decide
    this.#onEvent = options.onEvent
  }

  /** For filtering what is shown: nobody is told. */
  allows(principal: Principal, action: Action): boolean {
    return this.#decide(principal, action).allowed
  }

  /** @throws GatewayError FORBIDDEN naming what is missing */
  require(principal: Principal, action: Action, from: Origin = {}): void {
    const decision = this.#decide(principal, action)
    if (decision.allowed) return
    const { scope, template, tool } = action
    const { reason } = decision
    this.#onEvent({ type: 'denied', ...from, principal: principal.id, scope, reason, template, tool })
    throw forbidden(decision, principal, action)
  }
}

function forbidden(decision: Decision & { allowed: false }, principal: Principal, action: Action): GatewayError {
  const what =
    decision.reason === 'scope'
      ? `needs the scope ${decision.missing}`
      : `is not within the grant of this credential (${decision.reason})`
  // A grant that is too narrow does not become wider by another scope: no challenge then.
  const missingScope = decision.reason === 'scope' ? decision.missing : undefined
  const facts = { template: action.template, executed: 'no', missingScope } as const
  return new GatewayError('FORBIDDEN', `"${principal.name}" may not do this: it ${what}`, facts)
}
