import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { usageError } from '../../errors.js'
import { givenGrant, grantFlags, roleFlag } from '../../identity-flags.js'
import { parseLifetime } from '../../input/lifetime.js'
import { issuedKeyText } from '../../output/issued-key.js'
import { repeatable } from '../../repeatable-flag.js'

export default class GatewayCreateApiKey extends ClientCommand {
  static override summary = 'Make an API key. It is printed once.'
  static override description =
    'A role or scopes, one of them; neither means the role user. A key never has more rights than you.'
  static override examples = [
    '<%= config.bin %> gateway create-api-key my-app --role user',
    '<%= config.bin %> gateway create-api-key ci --scope tools:read --scope tools:call --template "build*" --expires 30d --cidr 10.0.0.0/8',
  ]
  static override args = { name: argument({ description: 'what you call it', required: true }) }
  static override flags = {
    ...roleFlag,
    ...grantFlags,
    expires: Flags.string({
      description: 'like 12h, 90d, 2027-01-31; never is for administrators [90d]',
      helpValue: 'TIME',
    }),
    cidr: repeatable('network that it may be used from', 'CIDR'),
    owner: Flags.string({ description: 'user that it is for [you]', helpValue: 'USER' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayCreateApiKey)
    if (flags.role !== undefined && flags.scope !== undefined) {
      throw usageError('Give --role or --scope, not both.', 'mcpp gateway create-api-key --help')
    }
    const expires = flags.expires === undefined ? undefined : parseLifetime('--expires', flags.expires, Date.now())
    const { cidr: cidrs, owner } = flags
    await using client = await this.connect(flags)
    const request = { name: args.name, ...givenGrant(flags), expires_in: expires, cidrs, owner }
    const issued = await client.apiKeys.create(request)
    await this.print(flags, issued, () => issuedKeyText(issued))
  }
}
