import type { Tool } from '@mcp-platform/contract'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { isObject } from '../../json-object.js'
import { oneLine } from '../../output/printable.js'

export default class GatewayTools extends ClientCommand {
  static override summary = 'List the tools of a template.'
  static override args = { template: argument({ description: 'name of the template', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayTools)
    await using client = await this.connect(flags)
    const tools = await client.listTools(args.template)
    const rows = tools.map((tool) => [tool.name, parameterText(tool), oneLine(tool.description ?? tool.title ?? '')])
    const text = (): string | Promise<string> =>
      rows.length === 0 ? 'No tool.' : this.table(flags, ['tool', 'arguments', 'description'], rows)
    await this.print(flags, tools, text)
  }
}

// Required ones plain, the others with a question mark.
function parameterText({ inputSchema }: Tool): string {
  if (!isObject(inputSchema) || !isObject(inputSchema['properties'])) return ''
  const required = Array.isArray(inputSchema['required']) ? inputSchema['required'] : []
  const names = Object.keys(inputSchema['properties'])
  return oneLine(names.map((name) => (required.includes(name) ? name : `${name}?`)).join(' '), 60)
}
