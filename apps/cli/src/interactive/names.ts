import type { GatewayClient } from '@mcp-platform/client'

/** Somebody waits with a finger on the Tab key. */
const TIMEOUT_MS = 1_500
const KEPT_MS = 10_000

/** Names that the gateway knows, for completion; none where it cannot be asked. */
export class GatewayNames {
  readonly #connect: () => Promise<GatewayClient>
  readonly #kept = new Map<string, { readonly at: number; readonly names: readonly string[] }>()

  /** @param connect makes a client with the credential of this moment: somebody may have logged in since */
  constructor(connect: () => Promise<GatewayClient>) {
    this.#connect = connect
  }

  templates(): Promise<readonly string[]> {
    return this.#names('templates', async (client, options) => {
      return (await client.templates(options)).map(({ name }) => name)
    })
  }

  instances(template: string): Promise<readonly string[]> {
    return this.#names(`instances ${template}`, async (client, options) => {
      const { templates } = await client.registry(options)
      const instances = Object.hasOwn(templates, template) ? (templates[template]?.instances ?? []) : []
      return instances.map(({ id }) => id)
    })
  }

  tools(template: string): Promise<readonly string[]> {
    return this.#names(`tools ${template}`, async (client, options) => {
      return (await client.listTools(template, options)).map(({ name }) => name)
    })
  }

  /** Called when a command has run: it may have changed anything. */
  forget(): void {
    this.#kept.clear()
  }

  async #names(
    key: string,
    ask: (client: GatewayClient, options: { readonly timeoutMs: number }) => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    const kept = this.#kept.get(key)
    if (kept !== undefined && Date.now() - kept.at < KEPT_MS) return kept.names
    const names = await this.#asked(ask)
    this.#kept.set(key, { at: Date.now(), names })
    return names
  }

  async #asked(
    ask: (client: GatewayClient, options: { readonly timeoutMs: number }) => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    try {
      await using client = await this.#connect()
      return await ask(client, { timeoutMs: TIMEOUT_MS })
    } catch {
      // Whatever is wrong, the next command says it; a Tab key is no place for it.
      return []
    }
  }
}
