import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { usageError } from '../../errors.js'
import { keyIdOf } from '../../input/api-key-id.js'
import { parseDuration } from '../../input/lifetime.js'
import { issuedKeyText } from '../../output/issued-key.js'

export default class GatewayRotateApiKey extends ClientCommand {
  static override summary = 'Give an API key a new secret; the one before holds for a while. It is printed once.'
  static override args = { id: argument({ description: 'id of the key', required: true }) }
  static override flags = {
    overlap: Flags.string({
      description: 'how long the one before holds, up to 7d; 0s ends it now [24h]',
      helpValue: 'TIME',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayRotateApiKey)
    const overlapSeconds = flags.overlap === undefined ? undefined : parseDuration(flags.overlap)
    if (flags.overlap !== undefined && overlapSeconds === undefined) {
      throw usageError(`--overlap expects a time like 12h or 7d, got ${JSON.stringify(flags.overlap)}.`)
    }
    await using client = await this.connect(flags)
    const issued = await client.apiKeys.rotate(keyIdOf(args.id), { overlapSeconds })
    await this.print(flags, issued, () => issuedKeyText(issued))
  }
}
