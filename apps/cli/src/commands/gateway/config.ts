import { BaseCommand } from '../../base-command.js'
import { configFileFlag, gatewayFlags, givenSettings } from '../../gateway-flags.js'

export default class GatewayConfig extends BaseCommand {
  static override summary = 'Print the settings that a gateway would start with, and where each came from.'
  static override description = 'Takes the flags of "gateway start". Exit code 1 when a setting cannot be used.'
  static override flags = { ...gatewayFlags, ...configFileFlag }

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayConfig)
    const { badSettings, describeSettings } = await import('../../local/gateway-settings.js')
    const sources = { flags: givenSettings(flags), env: process.env, configFile: flags.config }
    const described = await describeSettings(sources)
    const rows = described.settings.map(({ name, value, source }) => [name, settingText(value), source])
    await this.print(flags, described, () => this.table(flags, ['setting', 'value', 'from'], rows))
    for (const warning of described.warnings) this.warning(warning)
    if (described.errors.length > 0) throw badSettings(described.errors)
  }
}

function settingText(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (Array.isArray(value)) return value.map(settingText).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
