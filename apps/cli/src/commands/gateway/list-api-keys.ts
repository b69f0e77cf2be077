import { Flags } from '@oclif/core'
import { ClientCommand } from '../../client-command.js'
import { KEY_HEAD, keyRow } from '../../output/identity-rows.js'

export default class GatewayListApiKeys extends ClientCommand {
  static override summary = "List your API keys, or everybody's with keys:admin; the secrets are not known any more."
  static override flags = { all: Flags.boolean({ description: 'revoked ones as well' }) }

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayListApiKeys)
    await using client = await this.connect(flags)
    const keys = await client.apiKeys.list()
    const shown = flags.all ? keys : keys.filter((key) => key.revoked_at === null)
    const now = Date.now()
    const text = (): string | Promise<string> =>
      shown.length === 0
        ? 'No API key. Make one: mcpp gateway create-api-key NAME --role user'
        : this.table(
            flags,
            KEY_HEAD,
            shown.map((key) => keyRow(key, now)),
          )
    await this.print(flags, keys, text)
  }
}
