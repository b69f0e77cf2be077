import type { GatewayClient, RequestOptions } from '@mcp-platform/client'
import type { GatewayHealth } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { ClientCommand } from '../../client-command.js'
import { paintStatus } from '../../output/colour.js'
import { duration } from '../../output/duration.js'
import type { Cell } from '../../output/table.js'

const FIRST_TIMEOUT: RequestOptions = { timeoutMs: 10_000 }

export default class GatewayStatus extends ClientCommand {
  static override summary = 'Say whether the gateway serves, and how its templates are.'
  static override flags = {
    watch: Flags.boolean({ char: 'w', description: 'go on and print what happens, until interrupted' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayStatus)
    const { url } = await this.connection(flags)
    await using client = await this.connect(flags)
    const health = await client.gatewayHealth(FIRST_TIMEOUT)
    const text = async (): Promise<string> =>
      `${this.#head(flags, url.value, health)}\n\n${await this.#templates(flags, client)}`
    await this.print(flags, health, text)
    if (flags.watch) await this.#watch(flags, client)
  }

  #head(flags: { json: boolean; 'no-color': boolean }, url: string, health: GatewayHealth): string {
    const { status, version, uptime_seconds: uptime, database, templates, instances } = health
    return [
      `Gateway    ${url}`,
      `Status     ${paintStatus(this.paint(flags), status)}`,
      `Version    ${version}, up ${duration(uptime)}`,
      `Database   ${database}`,
      `Templates  ${templates}, instances ${instances.total} (${instances.healthy} healthy)`,
    ].join('\n')
  }

  async #templates(flags: { json: boolean; 'no-color': boolean }, client: GatewayClient): Promise<string> {
    const { NotAllowedError, NotAuthenticatedError } = await import('@mcp-platform/client')
    try {
      const paint = this.paint(flags)
      const rows = (await client.templates()).map((template): Cell[] => [
        template.name,
        { painted: paintStatus(paint, template.status) },
        `${template.healthy_instances}/${template.total_instances}`,
        template.effective_settings.load_balancer?.strategy,
      ])
      if (rows.length === 0) return 'No template yet. Register a server: mcpp gateway register NAME --endpoint URL'
      return await this.table(flags, ['template', 'status', 'healthy', 'strategy'], rows)
    } catch (error) {
      if (error instanceof NotAuthenticatedError || error instanceof NotAllowedError) {
        return 'Templates are shown with a credential that has registry:read.'
      }
      throw error
    }
  }

  async #watch(flags: { json: boolean; 'no-color': boolean }, client: GatewayClient): Promise<void> {
    const { interruptSignal } = await import('../../local/interrupt.js')
    const { eventText } = await import('../../output/event-text.js')
    using interrupt = interruptSignal()
    try {
      for await (const event of client.events({ signal: interrupt.signal })) {
        const line = flags.json ? JSON.stringify(event) : eventText(event)
        process.stdout.write(`${line}\n`)
      }
      this.note(flags, 'The gateway has ended the stream of events.')
    } catch (error) {
      if (!interrupt.signal.aborted) throw error
    }
  }
}
