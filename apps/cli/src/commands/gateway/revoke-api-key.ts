import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { keyIdOf } from '../../input/api-key-id.js'

export default class GatewayRevokeApiKey extends ClientCommand {
  static override summary = 'End an API key for good; within three seconds nobody can use it any more.'
  static override args = { id: argument({ description: 'id of the key', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayRevokeApiKey)
    const id = keyIdOf(args.id)
    await using client = await this.connect(flags)
    await client.apiKeys.revoke(id)
    await this.print(flags, { id, revoked: true }, () => `Revoked ${id}.`)
  }
}
