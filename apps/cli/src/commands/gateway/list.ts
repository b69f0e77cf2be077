import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { INSTANCE_HEAD, instanceRow, requireTemplate } from '../../output/registry-rows.js'

export default class GatewayList extends ClientCommand {
  static override summary = 'List all instances, or those of one template.'
  static override args = { template: argument({ description: 'name of a template' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayList)
    await using client = await this.connect(flags)
    const registry = await client.registry()
    this.warnOfSources(registry.sources)
    const paint = this.paint(flags)
    if (args.template !== undefined) {
      const template = requireTemplate(registry, args.template)
      const rows = template.instances.map((instance) => instanceRow(instance, paint))
      await this.print(flags, template, () => this.table(flags, INSTANCE_HEAD, rows))
      return
    }
    const rows = Object.entries(registry.templates).flatMap(([name, { instances }]) =>
      instances.length === 0
        ? [[name, ...INSTANCE_HEAD.map(() => null)]]
        : instances.map((instance) => [name, ...instanceRow(instance, paint)]),
    )
    const none = 'No template yet. Register a server: mcpp gateway register NAME --endpoint URL'
    const text = (): string | Promise<string> =>
      rows.length === 0 ? none : this.table(flags, ['template', ...INSTANCE_HEAD], rows)
    await this.print(flags, registry, text)
  }
}
