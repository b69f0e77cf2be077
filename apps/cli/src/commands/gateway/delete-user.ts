import { Flags } from '@oclif/core'
import { ClientCommand } from '../../client-command.js'
import { userArg } from '../../identity-flags.js'
import { confirmed, isInteractive } from '../../input/terminal.js'

export default class GatewayDeleteUser extends ClientCommand {
  static override summary = 'Remove a user; its API keys end with it. On a terminal you are asked first.'
  static override args = userArg
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'do not ask' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayDeleteUser)
    if (!flags.yes && isInteractive() && !(await confirmed(`Remove ${args.user} and its API keys?`))) {
      this.note(flags, 'Nothing was done.')
      return
    }
    await using client = await this.connect(flags)
    await client.users.delete(args.user)
    await this.print(flags, { name: args.user, deleted: true }, () => `Removed ${args.user}.`)
  }
}
