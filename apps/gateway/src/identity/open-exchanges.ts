import type { IncomingMessage, ServerResponse } from 'node:http'
import { CredentialInvalidError, coversGrant, type Principal } from '@mcp-platform/auth'

// A call may go on while its token expires; what lasts longer than any call is a stream without end.
const EXPIRED_CALL_MS = 3_600_000
const TURNS = 30

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly openedAt: number
  /** As it was let in; undefined while that is being found out. */
  principal: Principal | undefined
}

/**
 * The exchanges under way. A stream must not outlive the credential that it was opened with, nor show what its caller may
 * not see any more: whoever loses a right loses the streams that were opened with it, and may open them anew.
 */
export class OpenExchanges {
  readonly #identify: (request: IncomingMessage) => Principal | Promise<Principal>
  readonly #now: () => number
  readonly #open = new Map<IncomingMessage, Exchange>()
  #waiting: Exchange[] = []
  #atOnce = 0

  /** @param now milliseconds, monotonic */
  constructor(
    identify: (request: IncomingMessage) => Principal | Promise<Principal>,
    now: () => number = () => performance.now(),
  ) {
    this.#identify = identify
    this.#now = now
  }

  add(request: IncomingMessage, response: ServerResponse, principal?: Principal): void {
    this.#open.set(request, { request, response, principal, openedAt: this.#now() })
    response.once('close', () => this.#open.delete(request))
  }

  responseOf(request: IncomingMessage): ServerResponse | undefined {
    return this.#open.get(request)?.response
  }

  /** Who it is that was let in. */
  admitted(request: IncomingMessage, principal: Principal): void {
    const exchange = this.#open.get(request)
    if (exchange !== undefined) exchange.principal = principal
  }

  /** Cuts those whose credential is no longer good, or good for less. Call it when what is known of credentials has changed. */
  check(): void {
    for (const exchange of this.#open.values()) void this.#checkOne(exchange)
  }

  /** Checks a part of them: after thirty calls all have had their turn. What ends by the clock is found so. */
  checkSome(): void {
    // A list, not an iterator: one that is left alone keeps every table alive that the map has ever grown out of.
    if (this.#waiting.length === 0) {
      this.#waiting = [...this.#open.values()]
      this.#atOnce = Math.ceil(this.#waiting.length / TURNS)
    }
    for (const exchange of this.#waiting.splice(-this.#atOnce, this.#atOnce)) {
      if (this.#open.has(exchange.request)) void this.#checkOne(exchange)
    }
  }

  async #checkOne(exchange: Exchange): Promise<void> {
    const before = exchange.principal
    try {
      const principal = await this.#identify(exchange.request)
      if (before !== undefined && hasLost(principal, before)) exchange.response.destroy()
    } catch (error) {
      // Anything else says nothing about the credential.
      if (error instanceof CredentialInvalidError && this.#mayCut(exchange, error)) exchange.response.destroy()
    }
  }

  #mayCut({ request, openedAt }: Exchange, { problem }: CredentialInvalidError): boolean {
    return problem !== 'expired' || request.method === 'GET' || this.#now() - openedAt > EXPIRED_CALL_MS
  }
}

function hasLost(now: Principal, before: Principal): boolean {
  return now !== before && (now.id !== before.id || !coversGrant(now, before))
}
