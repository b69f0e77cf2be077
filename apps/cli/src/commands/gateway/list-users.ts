import { ClientCommand } from '../../client-command.js'
import { USER_HEAD, userRow } from '../../output/identity-rows.js'

export default class GatewayListUsers extends ClientCommand {
  static override summary = 'List the users.'

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayListUsers)
    await using client = await this.connect(flags)
    const users = await client.users.list()
    const none = 'No user yet. Make one: mcpp gateway create-user admin --role admin'
    const text = (): string | Promise<string> =>
      users.length === 0 ? none : this.table(flags, USER_HEAD, users.map(userRow))
    await this.print(flags, users, text)
  }
}
