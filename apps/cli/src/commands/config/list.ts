import { ClientCommand } from '../../client-command.js'
import { masked } from '../../settings/keys.js'
import type { Credential, Sourced } from '../../settings/resolve.js'

export default class ConfigList extends ClientCommand {
  static override summary = 'Print the settings in effect and where each came from.'

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigList)
    const { profile, url, credential } = await this.connection(flags)
    const settings = [{ name: 'profile', ...profile }, { name: 'url', ...url }, credentialOf(credential)]
    const rows = settings.map(({ name, value, source }) => [name, value, source])
    await this.print(flags, settings, () => this.table(flags, ['setting', 'value', 'from'], rows))
  }
}

function credentialOf(credential: Sourced<Credential> | undefined): Sourced<string | null> & { readonly name: string } {
  if (credential === undefined) return { name: 'credential', value: null, source: 'none' }
  const { value, source } = credential
  if (value.kind !== 'login') return { name: value.kind, value: masked(value.secret), source }
  const { user, access_token: token } = value.login
  return { name: 'login', value: token === undefined ? `${user} (ended)` : user, source }
}
