import type { ConfigFault } from '../errors.js'
import { stateFolder } from '../state/folder.js'
import { effectiveModes } from './effective.js'
import { type ConfigSources, examineConfig } from './load.js'
import { descriptor, envNames, fileKey, flagName } from './names.js'
import { hidePassword, type SettingName, type Settings, settingNames } from './settings.js'

/** One setting as it holds now. */
export interface DescribedSetting {
  /** Key in the configuration file. */
  readonly name: string
  readonly flag: string
  /** Environment variables that set it, the strongest first. */
  readonly env: readonly string[]
  /** What holds; secrets as `***`; null for nothing. */
  readonly value: unknown
  /** `--port`, `MCP_GATEWAY_PORT`, `port in gateway.yaml`, `default`. */
  readonly source: string
  readonly description: string
}

/** The effective configuration of a gateway that would start with the same sources. */
export interface DescribedConfig {
  readonly settings: readonly DescribedSetting[]
  readonly warnings: readonly string[]
  readonly errors: readonly ConfigFault[]
}

/** Says what every setting is and where it came from, without starting anything and without throwing on a bad value. */
export async function describeConfig(sources: ConfigSources): Promise<DescribedConfig> {
  const { loaded, faults } = await examineConfig(sources)
  const settings = settingNames.map((name) => describe(name, loaded.settings, loaded.origins[name], sources))
  return { settings, warnings: loaded.warnings, errors: faults }
}

function describe(name: SettingName, settings: Settings, source: string, sources: ConfigSources): DescribedSetting {
  const value = shown(name, settings) ?? computed(name, settings, sources) ?? null
  const { description } = descriptor(name)
  return { name: fileKey(name), flag: `--${flagName(name)}`, env: envNames(name), value, source, description }
}

function shown(name: SettingName, settings: Settings): unknown {
  const value = settings[name]
  const { show } = descriptor(name)
  return value === undefined || show === undefined ? value : show(value)
}

function computed(name: SettingName, settings: Settings, sources: ConfigSources): unknown {
  const stateDir = settings.stateDir ?? stateFolder(sources.env ?? {})
  const modes = effectiveModes(settings, { stateDir, terminal: process.stdout.isTTY === true })
  const known: Partial<Record<SettingName, unknown>> = {
    stateDir,
    auth: modes.auth,
    stdioMode: modes.stdioMode,
    database: hidePassword(modes.database),
    logFormat: modes.logFormat,
  }
  return known[name]
}
