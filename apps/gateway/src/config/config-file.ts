import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type ConfigFault, reasonOf, systemCode } from '../errors.js'
import { fileKeys, nearest } from './names.js'
import { settingNames } from './settings.js'
import { parseYaml, YamlError } from './yaml.js'

/** A configuration file that was read: its members, and the folder that its relative paths are relative to. */
export interface ConfigFile {
  readonly path: string
  readonly folder: string
  readonly members: ReadonlyMap<string, unknown>
}

/** Reads a configuration file, JSON or YAML (JSON is YAML). Faults are appended; what can be used is returned. */
export async function readConfigFile(path: string, faults: ConfigFault[]): Promise<ConfigFile> {
  const members = new Map<string, unknown>()
  const report = (name: string, message: string): void => void faults.push({ name, source: path, message })
  const source = await readText(path, report)
  for (const [key, value] of source === undefined ? [] : parse(source, report)) {
    if (KNOWN_KEYS.includes(key)) members.set(key, value)
    else report(key, unknownKey(key))
  }
  return { path, folder: dirname(resolve(path)), members }
}

type Report = (name: string, message: string) => void

const KNOWN_KEYS: readonly string[] = settingNames.flatMap((name) => fileKeys(name))

async function readText(path: string, report: Report): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    report('config', systemCode(error) === 'ENOENT' ? 'there is no such configuration file' : reasonOf(error))
    return undefined
  }
}

function parse(source: string, report: Report): readonly (readonly [string, unknown])[] {
  const content = read(source, report)
  if (content === undefined) return []
  if (content === null) return []
  if (typeof content === 'object' && !Array.isArray(content)) return Object.entries(content)
  report('config', 'must hold an object of settings, like "port: 8080"')
  return []
}

function read(source: string, report: Report): unknown {
  try {
    return parseYaml(source)
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    report('config', `is neither JSON nor YAML (${error.message})`)
    return undefined
  }
}

function unknownKey(key: string): string {
  const meant = nearest(key, KNOWN_KEYS)
  const hint =
    meant === undefined ? `known settings are ${KNOWN_KEYS.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`
  return `has the unknown setting ${JSON.stringify(key)}; ${hint}`
}
