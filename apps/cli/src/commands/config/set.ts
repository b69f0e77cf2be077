import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { BaseCommand } from '../../base-command.js'
import { usageError } from '../../errors.js'
import { readStdin } from '../../input/read-input.js'
import { type ConfigKey, configKeys, profileMembers, requireValue } from '../../settings/keys.js'
import {
  changeProfiles,
  DEFAULT_PROFILE,
  loadProfiles,
  type ProfilesDocument,
  profilesPath,
  requireProfileName,
} from '../../settings/profiles.js'

export default class ConfigSet extends BaseCommand {
  static override summary = 'Store a setting in a profile. The file is readable by you only.'
  static override description = `"config set profile NAME" chooses the profile in use.
Give secrets on standard input (-): what is typed as an argument stays in the history of the shell.`
  static override examples = [
    '<%= config.bin %> config set url https://mcp.example.com --profile prod',
    'echo "$KEY" | <%= config.bin %> config set api-key - --profile prod',
    '<%= config.bin %> config set profile prod',
  ]
  static override args = {
    key: argument({ description: 'which', required: true, options: [...configKeys] }),
    value: argument({ description: 'value; - for standard input' }),
  }
  static override flags = {
    profile: Flags.string({ description: 'profile to change [the one in use]', helpValue: 'NAME' }),
    unset: Flags.boolean({ description: 'remove the value' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConfigSet)
    const key = args.key as ConfigKey
    if ((args.value === undefined) !== Boolean(flags.unset))
      throw usageError('Give a value, or --unset.', 'mcpp config set --help')
    const value = args.value === '-' ? (await readStdin()).trim() : args.value
    const path = profilesPath(process.env, this.config.configDir)
    const document = await loadProfiles(path)
    const profile = flags.profile ?? process.env['MCPP_PROFILE'] ?? document.profile ?? DEFAULT_PROFILE
    const change = { key, value, profile: requireProfileName(profile) }
    await changeProfiles(path, (current) => changed(current, change))
    this.note(
      flags,
      key === 'profile' ? `Profile in use: ${value ?? DEFAULT_PROFILE}.` : `Stored ${key} in profile ${profile}.`,
    )
  }
}

interface Change {
  readonly key: ConfigKey
  /** Absent: remove it. */
  readonly value: string | undefined
  readonly profile: string
}

function changed(document: ProfilesDocument, { key, value, profile }: Change): ProfilesDocument {
  if (key === 'profile') {
    const { profile: _, ...rest } = document
    if (value === undefined) return rest
    if (Object.hasOwn(document.profiles, value) || value === DEFAULT_PROFILE) return { ...document, profile: value }
    throw usageError(
      `There is no profile ${JSON.stringify(value)}; make it first.`,
      `mcpp config set url URL --profile ${value}`,
    )
  }
  const { [profileMembers[key]]: _, ...others } = document.profiles[profile] ?? {}
  const kept = value === undefined ? others : { ...others, [profileMembers[key]]: requireValue(key, value) }
  return { ...document, profiles: { ...document.profiles, [profile]: kept } }
}
