import { BaseCommand } from '../../base-command.js'
import { profilesPath } from '../../settings/profiles.js'

export default class ConfigPath extends BaseCommand {
  static override summary = 'Print where the configuration of mcpp is.'

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigPath)
    const path = profilesPath(process.env, this.config.configDir)
    await this.print(flags, path, () => path)
  }
}
