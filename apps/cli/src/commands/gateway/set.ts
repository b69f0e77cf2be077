import type { TemplateSettingsPatch } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { usageError } from '../../errors.js'
import { checkPairs, instancePatch } from '../../input/instance-patch.js'
import { buildPatch } from '../../input/template-patch.js'

export default class GatewaySet extends ClientCommand {
  static override summary = 'Change settings of a template, or weight and state of an instance.'
  static override description =
    `"key=default" sets one back. Settings of load_balancer may be named without their group.`
  static override examples = [
    '<%= config.bin %> gateway set search strategy=least_connections timeouts.total=30',
    '<%= config.bin %> gateway set search --instance search-2 weight=3',
    '<%= config.bin %> gateway set search strategy=default',
  ]
  static override strict = false
  static override args = { template: argument({ description: 'name of the template', required: true }) }
  static override flags = {
    instance: Flags.string({ description: 'change this instance instead: weight, state', helpValue: 'ID' }),
  }

  async run(): Promise<void> {
    const { args, argv, flags } = await this.parse(GatewaySet)
    const pairs = argv.slice(1).map(String)
    checkPairs(args.template, flags.instance, pairs)
    if (pairs.length === 0) throw usageError('Give at least one KEY=VALUE.', `mcpp gateway show ${args.template}`)
    await using client = await this.connect(flags)
    if (flags.instance !== undefined) {
      const view = await client.updateInstance(args.template, flags.instance, instancePatch(pairs))
      await this.print(flags, view, () => `${args.template}/${view.id}: weight ${view.weight}, ${view.state}.`)
      return
    }
    // What fits is for the gateway to say: it names all faults at once.
    const view = await client.updateTemplate(args.template, buildPatch(pairs) as TemplateSettingsPatch)
    await this.print(flags, view, () => `Changed ${view.name}: ${pairs.join(', ')}.`)
  }
}
