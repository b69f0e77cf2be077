import { ClientCommand } from '../../client-command.js'
import { userArg } from '../../identity-flags.js'

export default class GatewayEnableUser extends ClientCommand {
  static override summary = 'Let a disabled user in again.'
  static override args = userArg

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayEnableUser)
    await using client = await this.connect(flags)
    const user = await client.users.enable(args.user)
    await this.print(flags, user, () => `${user.name} is active.`)
  }
}
