import type { GatewayClient } from '@mcp-platform/client'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { usageError } from '../../errors.js'
import { passwordFlags, passwordLines, takePassword } from '../../input/password.js'
import { askSecret, isInteractive } from '../../input/terminal.js'

interface SetPasswordFlags {
  readonly json: boolean
  readonly password?: string | undefined
  readonly 'password-stdin': boolean
}

export default class GatewaySetPassword extends ClientCommand {
  static override summary = 'Change your password, or that of another user. All logins of the user end.'
  static override description =
    `Your own needs the present one as well: it is asked for, or is the first of two lines of standard input.`
  static override examples = [
    '<%= config.bin %> gateway set-password',
    'pass show mcp/anna | <%= config.bin %> gateway set-password anna --password-stdin',
  ]
  static override args = {
    // oclif takes an argument that is missing from standard input: the password would become a name.
    user: argument({ description: 'name of the user [you]' }),
  }
  static override flags = passwordFlags

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewaySetPassword)
    await using client = await this.connect(flags)
    const me = await client.me()
    const own = me.kind === 'user' ? me.name : undefined
    const user = args.user ?? own
    if (user === undefined) throw usageError('Say whose password, or log in as the user.', 'mcpp gateway login USER')
    if (user === own) await this.#changeOwn(client, flags)
    else await client.users.setPassword(user, await this.#newPassword(flags, `New password for ${user}`))
    await this.print(flags, { name: user, changed: true }, () => `The password of ${user} is changed.`)
  }

  async #changeOwn(client: GatewayClient, flags: SetPasswordFlags): Promise<void> {
    if (flags['password-stdin']) {
      const [current, next, ...more] = await passwordLines()
      if (!current || !next || more.length > 0)
        throw usageError('Give the present password and the new one, a line each.')
      await client.changePassword(current, next)
      return
    }
    if (!isInteractive()) throw usageError('Give the present password and the new one with --password-stdin.')
    const current = await askSecret('Present password: ')
    await client.changePassword(current, await this.#newPassword(flags, 'New password'))
  }

  #newPassword(flags: SetPasswordFlags, text: string): Promise<string> {
    return takePassword(flags, { text, isNew: true, warn: (warning) => this.warning(warning) })
  }
}
