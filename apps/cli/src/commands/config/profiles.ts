import { BaseCommand } from '../../base-command.js'
import { DEFAULT_PROFILE, loadProfiles, profilesPath } from '../../settings/profiles.js'

export default class ConfigProfiles extends BaseCommand {
  static override summary = 'List the profiles.'

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigProfiles)
    const document = await loadProfiles(profilesPath(process.env, this.config.configDir))
    const active = process.env['MCPP_PROFILE'] || document.profile || DEFAULT_PROFILE
    const profiles = Object.entries(document.profiles).map(([name, { url, api_key: key, token }]) => ({
      name,
      active: name === active,
      url: url ?? null,
      credential: key !== undefined ? 'api-key' : token !== undefined ? 'token' : null,
    }))
    const rows = profiles.map(({ name, active: used, url, credential }) => [used ? `${name} *` : name, url, credential])
    const none = 'No profile yet. Make one: mcpp config set url URL --profile NAME'
    const text = (): string | Promise<string> =>
      rows.length === 0 ? none : this.table(flags, ['profile', 'url', 'credential'], rows)
    await this.print(flags, profiles, text)
  }
}
