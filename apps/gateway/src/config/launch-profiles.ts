import { readFile } from 'node:fs/promises'
import { type LaunchProfiles, parseLaunchProfiles } from '@mcp-platform/core-registry'
import { GatewayConfigError, reasonOf } from '../errors.js'
import { parseYaml, YamlError } from './yaml.js'

/**
 * Reads the launch profiles of this machine, JSON or YAML; none where no file is given. Its values are never repeated: an
 * environment may hold secrets.
 * @throws GatewayConfigError with every fault
 */
export async function readLaunchProfiles(path: string | undefined): Promise<LaunchProfiles> {
  if (path === undefined) return new Map()
  const { profiles, faults } = parseLaunchProfiles(parse(await readText(path), path))
  if (faults.length === 0) return profiles
  throw new GatewayConfigError(faults.map(({ path: at, message }) => ({ name: at, source: `${path}: ${at}`, message })))
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw unusable(path, `cannot be read (${reasonOf(error)})`)
  }
}

function parse(source: string, path: string): unknown {
  try {
    return parseYaml(source)
  } catch (error) {
    if (error instanceof YamlError) throw unusable(path, `is neither JSON nor YAML (${error.message})`)
    throw error
  }
}

function unusable(path: string, message: string): GatewayConfigError {
  return new GatewayConfigError([{ name: 'launch_profiles', source: path, message }])
}
