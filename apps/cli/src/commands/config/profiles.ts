import { BaseCommand } from '../../base-command.js'
import { DEFAULT_PROFILE, loadProfiles, type Profile, profilesPath } from '../../settings/profiles.js'

export default class ConfigProfiles extends BaseCommand {
  static override summary = 'List the profiles.'

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigProfiles)
    const document = await loadProfiles(profilesPath(process.env, this.config.configDir))
    const active = process.env['MCPP_PROFILE'] || document.profile || DEFAULT_PROFILE
    const profiles = Object.entries(document.profiles).map(([name, profile]) => ({
      name,
      active: name === active,
      url: profile.url ?? null,
      credential: credentialText(profile),
    }))
    const rows = profiles.map(({ name, active: used, url, credential }) => [used ? `${name} *` : name, url, credential])
    const none = 'No profile yet. Make one: mcpp config set url URL --profile NAME'
    const text = (): string | Promise<string> =>
      rows.length === 0 ? none : this.table(flags, ['profile', 'url', 'credential'], rows)
    await this.print(flags, profiles, text)
  }
}

function credentialText({ login, api_key: key, token }: Profile): string | null {
  if (login !== undefined) return `login ${login.user}`
  if (key !== undefined) return 'api-key'
  return token === undefined ? null : 'token'
}
