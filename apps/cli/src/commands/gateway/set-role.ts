import { type RoleName, roleNames } from '@mcp-platform/contract'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { givenGrant, grantFlags, userArg } from '../../identity-flags.js'

export default class GatewaySetRole extends ClientCommand {
  static override summary = 'Change the role of a user, further scopes, and what it is narrowed to.'
  static override description = `Everything that was issued to the user before ends; the user logs in again.
registry:exec (to register commands) belongs to no role: grant it by --scope.`
  static override examples = [
    '<%= config.bin %> gateway set-role anna operator',
    '<%= config.bin %> gateway set-role anna operator --scope registry:exec --template "search*"',
  ]
  static override args = {
    ...userArg,
    role: argument({ description: 'the new role', required: true, options: [...roleNames] }),
  }
  static override flags = grantFlags

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewaySetRole)
    const patch = { ...givenGrant(flags), role: args.role as RoleName }
    await using client = await this.connect(flags)
    const user = await client.users.update(args.user, patch)
    await this.print(flags, user, () => `${user.name} is ${user.role} now.`)
  }
}
