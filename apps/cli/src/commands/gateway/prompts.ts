import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { oneLine } from '../../output/printable.js'

export default class GatewayPrompts extends ClientCommand {
  static override summary = 'List the prompts of a template.'
  static override args = { template: argument({ description: 'name of the template', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayPrompts)
    await using client = await this.connect(flags)
    const prompts = await client.listPrompts(args.template)
    const rows = prompts.map(({ name, description, arguments: takes = [] }) => [
      name,
      takes.map((one) => (one.required === true ? one.name : `${one.name}?`)).join(' '),
      oneLine(description ?? ''),
    ])
    const text = (): string | Promise<string> =>
      rows.length === 0 ? 'No prompt.' : this.table(flags, ['prompt', 'arguments', 'description'], rows)
    await this.print(flags, prompts, text)
  }
}
