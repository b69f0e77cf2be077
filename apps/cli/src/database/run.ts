import { CliError, systemCode } from '../errors.js'
import { givenSettings } from '../gateway-flags.js'
import { readInput } from '../input/read-input.js'
import type { SettingsSources } from '../local/gateway-settings.js'

type Gateway = typeof import('@mcp-platform/gateway')

const NEXT: Readonly<Record<string, string>> = {
  GATEWAY_CONFIG_INVALID: 'mcpp gateway config',
  SCHEMA_OUTDATED: 'mcpp gateway db status',
  BACKUP_TARGET_NOT_EMPTY: 'mcpp gateway db restore FILE --replace',
  BACKUP_PASSPHRASE: 'mcpp gateway db restore FILE --passphrase-file FILE',
  EXPORT_PASSPHRASE: 'mcpp gateway import FILE --passphrase-file FILE',
}

/** Works on the database of these flags, without a running gateway. @throws CliError with one clear sentence */
export function onDatabase<T>(
  flags: Readonly<Record<string, unknown>> & { readonly config?: string | undefined },
  work: (gateway: Gateway, sources: SettingsSources) => Promise<T>,
): Promise<T> {
  const sources = { flags: givenSettings(flags), env: process.env, configFile: flags.config }
  return withGateway((gateway) => work(gateway, sources))
}

/** Does what the gateway's own code can do without one that runs. @throws CliError with one clear sentence */
export async function withGateway<T>(work: (gateway: Gateway) => Promise<T>): Promise<T> {
  const gateway = await import('@mcp-platform/gateway')
  try {
    return await work(gateway)
  } catch (error) {
    const code = systemCode(error)
    if (error instanceof CliError || !(error instanceof Error) || code === undefined) throw error
    throw new CliError(code, error.message, { next: NEXT[code], cause: error })
  }
}

/** The passphrase of a backup or an export, if one was given. @throws CliError */
export async function passphraseOf(file: string | undefined): Promise<string | undefined> {
  const given = file === undefined ? process.env['MCPP_BACKUP_PASSPHRASE'] : await readInput(file)
  const passphrase = given?.replace(/\r?\n$/, '')
  if (passphrase === '') throw new CliError('CLI_USAGE', 'The passphrase is empty.')
  return passphrase
}
