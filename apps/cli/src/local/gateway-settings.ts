import type { DescribedConfig } from '@mcp-platform/gateway'
import { CliError } from '../errors.js'

/** Where the settings of a gateway come from. */
export interface SettingsSources {
  readonly flags: Record<string, unknown>
  readonly env: NodeJS.ProcessEnv
  readonly configFile: string | undefined
  /** What relative paths are relative to. @default the current folder */
  readonly cwd?: string | undefined
}

/** What the effective settings say that matters before a start. */
export interface KnownSettings {
  readonly stateDir: string
  readonly authEnabled: boolean
}

/** The effective settings of a gateway, bad ones included. */
export async function describeSettings(sources: SettingsSources): Promise<DescribedConfig> {
  const { describeConfig } = await import('@mcp-platform/gateway')
  return describeConfig(sources)
}

/** The same for a gateway that is about to start. @throws CliError that names every bad setting */
export async function requireSettings(sources: SettingsSources): Promise<KnownSettings> {
  const { settings, errors } = await describeSettings(sources)
  if (errors.length > 0) throw badSettings(errors)
  const values = new Map(settings.map(({ name, value }) => [name, value]))
  return { stateDir: String(values.get('state_dir')), authEnabled: values.get('auth') === true }
}

/** One sentence for each bad setting. */
export function badSettings(errors: DescribedConfig['errors']): CliError {
  const message = errors.map((fault) => `${fault.source}: ${fault.message}`).join('; ')
  return new CliError('GATEWAY_CONFIG_INVALID', message, { next: 'mcpp gateway config' })
}
