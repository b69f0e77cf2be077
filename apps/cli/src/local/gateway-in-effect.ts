import { Parser } from '@oclif/core'
import { CliError } from '../errors.js'
import { configFileFlag, gatewayFlags, givenSettings } from '../gateway-flags.js'
import { globalFlags } from '../global-flags.js'
import type { SettingsSources } from './gateway-settings.js'
import { readLaunch } from './launch-record.js'

/** Where the settings come from of the gateway that runs in the background of a state folder; undefined: it was not started so. */
export async function launchedWith(stateDir: string, env: NodeJS.ProcessEnv): Promise<SettingsSources | undefined> {
  try {
    const { args, cwd } = await readLaunch(stateDir)
    const { flags } = await Parser.parse([...args], {
      flags: { ...globalFlags, ...gatewayFlags, ...configFileFlag },
      strict: false,
    })
    return { flags: givenSettings(flags), env, configFile: flags.config, cwd }
  } catch (error) {
    if (error instanceof CliError && error.code === 'CLI_NO_LAUNCH_RECORD') return undefined
    throw error
  }
}
