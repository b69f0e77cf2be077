import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { CliError } from '../../errors.js'
import { type ConfigKey, configKeys, masked } from '../../settings/keys.js'
import type { ConnectionSettings } from '../../settings/resolve.js'

export default class ConfigGet extends ClientCommand {
  static override summary = 'Print one setting in effect. Exit code 1 when it has no value.'
  static override args = { key: argument({ description: 'which', required: true, options: [...configKeys] }) }
  static override flags = { reveal: Flags.boolean({ description: 'print a secret in full' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConfigGet)
    const value = settingOf(await this.connection(flags), args.key as ConfigKey, flags.reveal)
    if (value === undefined) {
      throw new CliError('CLI_NO_VALUE', `${args.key} has no value.`, { next: `mcpp config set ${args.key} VALUE` })
    }
    await this.print(flags, value, () => value)
  }
}

function settingOf(
  { profile, url, credential }: ConnectionSettings,
  key: ConfigKey,
  reveal: boolean,
): string | undefined {
  if (key === 'profile') return profile.value
  if (key === 'url') return url.value
  const given = credential?.value
  if (given === undefined || given.kind === 'login' || given.kind !== key) return undefined
  return reveal ? given.secret : masked(given.secret)
}
