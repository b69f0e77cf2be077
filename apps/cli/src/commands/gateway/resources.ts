import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { oneLine } from '../../output/printable.js'

export default class GatewayResources extends ClientCommand {
  static override summary = 'List the resources of a template.'
  static override args = { template: argument({ description: 'name of the template', required: true }) }
  static override flags = { templates: Flags.boolean({ description: 'list the URI templates instead' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayResources)
    await using client = await this.connect(flags)
    if (flags.templates) {
      const list = await client.listResourceTemplates(args.template)
      const rows = list.map((one) => [one.uriTemplate, one.name, one.mimeType, oneLine(one.description ?? '')])
      await this.print(flags, list, () => this.table(flags, ['uri template', 'name', 'type', 'description'], rows))
      return
    }
    const list = await client.listResources(args.template)
    const rows = list.map((one) => [one.uri, one.name, one.mimeType, oneLine(one.description ?? '')])
    const text = (): string | Promise<string> =>
      rows.length === 0 ? 'No resource.' : this.table(flags, ['uri', 'name', 'type', 'description'], rows)
    await this.print(flags, list, text)
  }
}
