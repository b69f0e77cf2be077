import { ClientCommand } from '../../client-command.js'
import { userArg } from '../../identity-flags.js'

export default class GatewayDisableUser extends ClientCommand {
  static override summary = 'Lock a user out: its tokens and keys end at once.'
  static override args = userArg

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayDisableUser)
    await using client = await this.connect(flags)
    const user = await client.users.disable(args.user)
    await this.print(
      flags,
      user,
      () => `${user.name} is disabled. Let it in again: mcpp gateway enable-user ${user.name}`,
    )
  }
}
