import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { stateText } from '../../output/instance-state.js'

export default class GatewayDrain extends ClientCommand {
  static override summary = 'Take an instance out of the rotation; calls in flight end normally.'
  static override args = {
    template: argument({ description: 'name of the template', required: true }),
    instance: argument({ description: 'id of the instance', required: true }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayDrain)
    await using client = await this.connect(flags)
    const view = await client.drain(args.template, args.instance)
    await this.print(flags, view, () => stateText(args.template, view))
  }
}
