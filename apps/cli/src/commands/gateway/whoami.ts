import type { MeView } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { ClientCommand } from '../../client-command.js'
import { CliError } from '../../errors.js'
import { exitCodes } from '../../exit-codes.js'
import { listText } from '../../output/identity-rows.js'
import { printable } from '../../output/printable.js'
import type { ConnectionSettings } from '../../settings/resolve.js'

export default class GatewayWhoami extends ClientCommand {
  static override summary = 'Say who the gateway takes you for, and what you may do.'
  static override examples = [
    '<%= config.bin %> gateway whoami',
    'curl -H "Authorization: Bearer $(<%= config.bin %> gateway whoami --show-token)" http://127.0.0.1:8080/mcp/files/tools/list',
  ]
  static override flags = {
    'show-token': Flags.boolean({ description: 'print the access token of the login, and nothing else' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayWhoami)
    const settings = await this.connection(flags)
    await using client = await this.connect(flags)
    // Renews the token if it is about to end.
    const me = await client.me()
    if (flags['show-token']) {
      const token = await this.#token(settings)
      await this.print(flags, token, () => token)
      return
    }
    await this.print(flags, me, () => meText(me, settings))
  }

  async #token(settings: ConnectionSettings): Promise<string> {
    const { profileSessionStore } = await import('../../settings/stored-login.js')
    const isLogin = settings.credential?.value.kind === 'login'
    const tokens = isLogin ? await profileSessionStore(this.loginPlace(settings)).load() : undefined
    if (tokens !== undefined) return tokens.accessToken
    throw new CliError('CLI_NOT_LOGGED_IN', 'You are not logged in.', {
      exitCode: exitCodes.notAuthenticated,
      next: 'mcpp gateway login USER',
    })
  }
}

function meText(me: MeView, { url, credential }: ConnectionSettings): string {
  const rows: [string, string][] = [
    ['Gateway', url.value],
    ['You are', me.kind === me.name ? me.name : `${me.name} (${me.role ?? me.kind})`],
    ['By', credential?.source ?? 'no credential'],
    ['You may', me.scopes.join(' ') || 'nothing'],
    ['Templates', listText(me.templates)],
    ['Tools', listText(me.tools)],
  ]
  if (me.owner !== null) rows.splice(2, 0, ['Owner', me.owner])
  if (!me.auth_enabled) rows.push(['Note', 'authentication is off: calls need no credential'])
  return rows.map(([name, value]) => `${name.padEnd(10)} ${printable(value)}`).join('\n')
}
