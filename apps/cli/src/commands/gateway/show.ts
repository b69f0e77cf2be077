import type { TemplateSettingsWire, TemplateView } from '@mcp-platform/contract'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { paintStatus } from '../../output/colour.js'
import { differingText } from '../../output/differing.js'
import { INSTANCE_HEAD, instanceRow, requireTemplate } from '../../output/registry-rows.js'
import type { Cell } from '../../output/table.js'

export default class GatewayShow extends ClientCommand {
  static override summary = 'Show a template: its settings and its instances.'
  static override args = { template: argument({ description: 'name of the template', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayShow)
    await using client = await this.connect(flags)
    const template = await client.template(args.template)
    await this.print(flags, template, async () => {
      const paint = this.paint(flags)
      const { instances } = requireTemplate(await client.registry(), args.template)
      const rows = instances.map((instance) => instanceRow(instance, paint))
      return [
        `${template.name}  ${paintStatus(paint, template.status)}, ${template.healthy_instances} of ${template.total_instances} healthy`,
        await this.table(flags, ['setting', 'value', 'from'], settingRows(template)),
        await this.table(flags, INSTANCE_HEAD, rows),
        ...(template.catalogue_differs ? [differingText([template.name])] : []),
      ].join('\n\n')
    })
  }
}

function settingRows({ effective_settings: effective, settings, override, source }: TemplateView): Cell[][] {
  const set = flatten(settings)
  const patched = flatten(override ?? {})
  return [...flatten(effective)].map(([name, value]) => {
    const from = patched.has(name) ? 'set' : set.has(name) ? (source ?? 'set') : 'default'
    return [name, value, from]
  })
}

function flatten(settings: TemplateSettingsWire): Map<string, string> {
  const flat = new Map<string, string>()
  for (const [group, value] of Object.entries(settings)) {
    const isGroup = typeof value === 'object' && value !== null && group !== 'health_check' && group !== 'affinity'
    if (!isGroup) flat.set(group, text(value))
    else for (const [name, member] of Object.entries(value)) flat.set(`${group}.${name}`, text(member))
  }
  return flat
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
