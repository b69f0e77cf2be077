import type { GatewayClient, RequestOptions } from '@mcp-platform/client'
import type { GatewayHealth } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { ClientCommand } from '../../client-command.js'
import { paintStatus } from '../../output/colour.js'
import { differingText } from '../../output/differing.js'
import { duration } from '../../output/duration.js'
import { printable } from '../../output/printable.js'
import type { Cell } from '../../output/table.js'

const FIRST_TIMEOUT: RequestOptions = { timeoutMs: 10_000 }

export default class GatewayStatus extends ClientCommand {
  static override summary = 'Say whether the gateway serves, and how its templates are.'
  static override flags = {
    watch: Flags.boolean({
      char: 'w',
      description: 'go on and print what happens, also over restarts of the gateway, until interrupted',
    }),
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
      this.warnOfSources((await client.registry()).sources)
      const templates = await client.templates()
      const rows = templates.map((template): Cell[] => [
        template.name,
        { painted: paintStatus(paint, template.status) },
        `${template.healthy_instances}/${template.total_instances}`,
        template.effective_settings.load_balancer?.strategy,
      ])
      if (rows.length === 0) return 'No template yet. Register a server: mcpp gateway register NAME --endpoint URL'
      const table = await this.table(flags, ['template', 'status', 'healthy', 'strategy'], rows)
      const differing = templates.filter((template) => template.catalogue_differs).map(({ name }) => name)
      return differing.length === 0 ? table : `${table}\n\n${differingText(differing)}`
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
    const { followAlways } = await import('../../local/reconnecting.js')
    using interrupt = interruptSignal()
    for await (const event of followAlways(client, { signal: interrupt.signal, onLost: tellLost })) {
      process.stdout.write(`${flags.json ? JSON.stringify(event) : eventText(event)}\n`)
    }
  }
}

// On stderr: with --json, stdout holds events only.
function tellLost(reason: string | undefined, delayMs: number): void {
  const what = printable(reason ?? 'the gateway has ended the stream of events')
  process.stderr.write(`Lost the gateway (${what}); trying again in ${(delayMs / 1_000).toFixed(1)} s.\n`)
}
