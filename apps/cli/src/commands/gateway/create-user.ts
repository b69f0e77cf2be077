import { ClientCommand } from '../../client-command.js'
import { givenGrant, grantFlags, roleFlag, userArg } from '../../identity-flags.js'
import { passwordFlags, takePassword } from '../../input/password.js'

export default class GatewayCreateUser extends ClientCommand {
  static override summary = 'Make a user. On a terminal the password is asked for, twice.'
  static override description =
    'The first administrator is made on the machine of the gateway, whose local admin token is found by itself.'
  static override examples = [
    '<%= config.bin %> gateway create-user admin --role admin',
    'pass show mcp/anna | <%= config.bin %> gateway create-user anna --password-stdin --template "search*"',
  ]
  static override args = userArg
  static override flags = { ...roleFlag, ...grantFlags, ...passwordFlags }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayCreateUser)
    const grant = givenGrant(flags)
    const warn = (text: string): void => this.warning(text)
    const password = await takePassword(flags, { text: `Password for ${args.user}`, isNew: true, warn })
    await using client = await this.connect(flags)
    const user = await client.users.create({ name: args.user, password, ...grant, role: grant.role ?? 'user' })
    await this.print(flags, user, () => `Made ${user.name}, ${user.role}. Log in: mcpp gateway login ${user.name}`)
  }
}
