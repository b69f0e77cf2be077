import { z } from 'zod'
import { check, type Fault, type Path, pathText } from './faults.js'
import { COMMAND_FIELDS, toStdio } from './instance-schema.js'
import { isObject } from './json.js'
import type { StdioAttach } from './model.js'
import { profileNameFault } from './names.js'
import { strictObject } from './schema.js'

/** What a machine starts for the name of a launch profile. Local configuration: it never leaves the machine. */
export type LaunchProfiles = ReadonlyMap<string, StdioAttach>

const profile = strictObject({
  ...COMMAND_FIELDS,
  command: z.string({ error: 'is missing: the program of the profile' }).and(COMMAND_FIELDS.command),
})

const root = strictObject({ profiles: z.record(z.string(), z.unknown()) })

/**
 * Reads launch profiles: `{ "profiles": { "<name>": { "command", "args"?, "working_dir"?, "env"? } } }`.
 * One with a fault is left out; its faults, by their path, come beside the others.
 */
export function parseLaunchProfiles(document: unknown): {
  readonly profiles: LaunchProfiles
  readonly faults: readonly Fault[]
} {
  const faults: Fault[] = []
  const entries = check(root, document, [], faults)?.profiles ?? {}
  const profiles = new Map<string, StdioAttach>()
  for (const [name, entry] of Object.entries(entries)) {
    const read = readProfile(name, entry, faults)
    if (read !== undefined) profiles.set(name, read)
  }
  return { profiles, faults }
}

function readProfile(name: string, entry: unknown, faults: Fault[]): StdioAttach | undefined {
  const at: Path = ['profiles', name]
  const message = profileNameFault(name)
  if (message !== undefined) faults.push({ path: pathText(at), message })
  const wire = isObject(entry) ? check(profile, entry, at, faults) : undefined
  if (!isObject(entry)) faults.push({ path: pathText(at), message: 'expected an object with "command"' })
  return wire === undefined || message !== undefined ? undefined : toStdio(wire)
}
