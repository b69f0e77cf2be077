import { type ConfigFault, GatewayConfigError } from '../errors.js'
import { type ConfigFile, readConfigFile } from './config-file.js'
import { crossFaults } from './cross-checks.js'
import { descriptor, ENV_PREFIX, envNames, fileKey, fileKeys, flagName, nearest } from './names.js'
import { type SettingName, type Settings, settingNames } from './settings.js'

/** Where settings come from: flag before environment before file before default. */
export interface ConfigSources {
  /** By name, as `health-interval` or `healthInterval`; undefined counts as not given. */
  readonly flags?: Readonly<Record<string, unknown>> | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  /** JSON or YAML. Absent: `MCP_GATEWAY_CONFIG`, else none. */
  readonly configFile?: string | undefined
  /** What relative paths of flags and environment are relative to. @default the current folder */
  readonly cwd?: string | undefined
}

/** What was found for every setting. */
export interface LoadedConfig {
  readonly settings: Settings
  /** `--port`, `MCP_GATEWAY_PORT`, `port in gateway.yaml`, `default`. */
  readonly origins: Readonly<Record<SettingName, string>>
  /** One sentence each: unknown `MCP_GATEWAY_…` names, risky combinations. */
  readonly warnings: readonly string[]
  readonly configFile: string | undefined
}

interface Found {
  readonly raw: unknown
  readonly source: string
  readonly folder: string
}

/**
 * Reads the configuration of a gateway.
 * @throws GatewayConfigError with every fault
 */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const { loaded, faults } = await examineConfig(sources)
  if (faults.length > 0) throw new GatewayConfigError(faults)
  return loaded
}

/** The same without throwing: what has a fault shows its default. */
export async function examineConfig(
  sources: ConfigSources,
): Promise<{ readonly loaded: LoadedConfig; readonly faults: readonly ConfigFault[] }> {
  const faults: ConfigFault[] = flagFaults(sources.flags ?? {})
  const path = sources.configFile ?? nonEmpty(sources.env?.[`${ENV_PREFIX}CONFIG`])
  const file = path === undefined ? undefined : await readConfigFile(path, faults)
  const values: Partial<Record<SettingName, unknown>> = {}
  const origins: Partial<Record<SettingName, string>> = {}
  for (const name of settingNames) {
    const found = find(name, sources, file)
    values[name] = found === undefined ? descriptor(name).default : read(name, found, faults)
    origins[name] = found?.source ?? 'default'
  }
  const settings = values as Settings
  const known = origins as Record<SettingName, string>
  if (faults.length === 0) faults.push(...crossFaults(settings, known))
  return {
    loaded: { settings, origins: known, warnings: unknownEnvironment(sources.env ?? {}), configFile: path },
    faults,
  }
}

function find(name: SettingName, sources: ConfigSources, file: ConfigFile | undefined): Found | undefined {
  const folder = sources.cwd ?? process.cwd()
  const flag = sources.flags?.[flagName(name)] ?? sources.flags?.[name]
  if (flag !== undefined) return { raw: flag, source: `--${flagName(name)}`, folder }
  for (const variable of envNames(name)) {
    // `PORT=` in a compose file means "not set".
    const raw = nonEmpty(sources.env?.[variable])
    if (raw !== undefined) return { raw, source: variable, folder }
  }
  for (const key of fileKeys(name)) {
    const raw = file?.members.get(key)
    if (file !== undefined && raw !== undefined && raw !== null) {
      return { raw, source: `${key} in ${file.path}`, folder: file.folder }
    }
  }
  return undefined
}

function read(name: SettingName, found: Found, faults: ConfigFault[]): unknown {
  const setting = descriptor(name)
  const result = setting.parser.parse(found.raw, found.folder)
  if ('value' in result) return result.value
  faults.push({ name: fileKey(name), source: found.source, message: result.fault })
  return setting.default
}

const KNOWN_FLAGS: readonly string[] = settingNames.flatMap((name) => [flagName(name), name])

function flagFaults(flags: Readonly<Record<string, unknown>>): ConfigFault[] {
  const given = Object.keys(flags).filter((flag) => flags[flag] !== undefined)
  return given
    .filter((flag) => !KNOWN_FLAGS.includes(flag))
    .map((flag) => {
      const meant = nearest(flag, KNOWN_FLAGS)
      const hint = meant === undefined ? '' : `; did you mean --${meant}?`
      return { name: flag, source: `--${flag}`, message: `is not a setting of the gateway${hint}` }
    })
}

// Read elsewhere: the file's own name, and secrets that are no settings.
const OTHER_NAMES: readonly string[] = ['CONFIG', 'MASTER_KEY', 'MASTER_KEY_FILE', 'ADMIN_PASSWORD'].map(
  (name) => ENV_PREFIX + name,
)

function unknownEnvironment(env: NodeJS.ProcessEnv): string[] {
  const known = [...settingNames.flatMap((name) => envNames(name)), ...OTHER_NAMES]
  const unknown = Object.keys(env).filter((name) => name.startsWith(ENV_PREFIX) && !known.includes(name))
  return unknown.map((name) => {
    const meant = nearest(name, known)
    return `${name} is not a setting of the gateway and has no effect${meant === undefined ? '' : `; did you mean ${meant}?`}`
  })
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value
}
