import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { stateText } from '../../output/instance-state.js'

export default class GatewayEnable extends ClientCommand {
  static override summary = 'Put an instance back into the rotation.'
  static override args = {
    template: argument({ description: 'name of the template', required: true }),
    instance: argument({ description: 'id of the instance', required: true }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayEnable)
    await using client = await this.connect(flags)
    const view = await client.enable(args.template, args.instance)
    await this.print(flags, view, () => stateText(args.template, view))
  }
}
