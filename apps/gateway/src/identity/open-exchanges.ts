import type { IncomingMessage, ServerResponse } from 'node:http'
import { CredentialInvalidError, type Principal } from '@mcp-platform/auth'

/** The exchanges under way: a stream must not outlive the credential that it was opened with. */
export class OpenExchanges {
  readonly #identify: (request: IncomingMessage) => Principal | Promise<Principal>
  readonly #open = new Map<ServerResponse, IncomingMessage>()

  constructor(identify: (request: IncomingMessage) => Principal | Promise<Principal>) {
    this.#identify = identify
  }

  add(request: IncomingMessage, response: ServerResponse): void {
    this.#open.set(response, request)
    response.once('close', () => this.#open.delete(response))
  }

  /** Cuts those whose credential is no longer good. Call it when what is known of credentials has changed. */
  check(): void {
    for (const [response, request] of this.#open) void this.#checkOne(request, response)
  }

  async #checkOne(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#identify(request)
    } catch (error) {
      // Anything else says nothing about the credential.
      if (error instanceof CredentialInvalidError) response.destroy()
    }
  }
}
