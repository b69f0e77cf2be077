import { ClientCommand } from '../../client-command.js'
import { masked } from '../../settings/keys.js'

export default class ConfigList extends ClientCommand {
  static override summary = 'Print the settings in effect and where each came from.'

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigList)
    const { profile, url, credential } = await this.connection(flags)
    const settings = [
      { name: 'profile', ...profile },
      { name: 'url', ...url },
      ...(credential === undefined
        ? [{ name: 'credential', value: null, source: 'none' }]
        : [{ name: credential.value.kind, value: masked(credential.value.secret), source: credential.source }]),
    ]
    const rows = settings.map(({ name, value, source }) => [name, value, source])
    await this.print(flags, settings, () => this.table(flags, ['setting', 'value', 'from'], rows))
  }
}
