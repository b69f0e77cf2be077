import type { Fault, Path } from './faults.js'
import { pathText } from './faults.js'
import { foreignTemplateName } from './foreign-name.js'
import { parseInstance } from './instance-schema.js'
import { isObject } from './json.js'
import type { RegistryFile } from './registry-file-content.js'
import type { InstanceSpec } from './spec.js'

type Entry = Record<string, unknown>

/**
 * Reads the `server.json` of the MCP registry: each remote is an instance behind a URL; a server without remotes is
 * started from its npm or PyPI package. Inputs that a user would have to give are reported.
 */
export function parseServerJson(root: Entry): RegistryFile {
  const faults: Fault[] = []
  const name =
    String(root['name'] ?? '')
      .split('/')
      .at(-1) ?? ''
  const template = foreignTemplateName(name)
  const remotes = entries(root['remotes'], 'remotes', faults)
  const specs = remotes.flatMap(([entry, at]) => read(template, remoteInstance(entry), entry, at, faults))
  if (remotes.length > 0) return { templates: [], specs, faults }
  const packages = entries(root['packages'], 'packages', faults)
  return { templates: [], specs: packages.flatMap(([entry, at]) => readPackage(template, entry, at, faults)), faults }
}

function readPackage(template: string, entry: Entry, at: Path, faults: Fault[]): InstanceSpec[] {
  const instance = packageInstance(entry)
  if (instance !== undefined) return read(template, instance, entry, at, faults)
  const message = `packages of type ${String(entry['registryType'])} are not supported; use npm or pypi, or register a command`
  faults.push({ path: pathText([...at, 'registryType']), message })
  return []
}

function read(template: string, instance: Entry, entry: Entry, at: Path, faults: Fault[]): InstanceSpec[] {
  const before = faults.length
  for (const group of ['headers', 'environmentVariables']) requireValues(entry[group], [...at, group], faults)
  const spec = parseInstance(template, instance, at, faults)
  return spec === undefined || faults.length > before ? [] : [spec]
}

function remoteInstance(entry: Entry): Entry {
  const transport = entry['type'] === 'sse' ? 'sse' : 'http'
  return { endpoint: entry['url'], transport, headers: values(entry['headers']) }
}

function packageInstance(entry: Entry): Entry | undefined {
  const runners: Record<string, string> = { npm: 'npx -y', pypi: 'uvx' }
  const runner = runners[String(entry['registryType'] ?? entry['registry_name'])]
  if (runner === undefined) return undefined
  const version = entry['version'] === undefined ? '' : `@${String(entry['version'])}`
  const args = [...argumentsOf(entry['packageArguments'])]
  return {
    command: runner,
    args: [`${String(entry['identifier'])}${version}`, ...args],
    env: values(entry['environmentVariables']),
  }
}

function argumentsOf(list: unknown): string[] {
  if (!Array.isArray(list)) return []
  return list.filter(isObject).flatMap(({ name, value }) => [name, value].filter((part) => typeof part === 'string'))
}

function values(list: unknown): Record<string, unknown> {
  if (!Array.isArray(list)) return {}
  const given = list.filter(isObject).filter((item) => givenValue(item) !== undefined)
  return Object.fromEntries(given.map((item) => [String(item['name']), givenValue(item)]))
}

function requireValues(list: unknown, at: Path, faults: Fault[]): void {
  if (!Array.isArray(list)) return
  for (const [index, item] of list.entries()) {
    if (!isObject(item) || item['isRequired'] !== true || givenValue(item) !== undefined) continue
    faults.push({ path: pathText([...at, index]), message: `${String(item['name'])} is required and has no value` })
  }
}

function givenValue(item: Entry): unknown {
  return item['value'] ?? item['default']
}

function entries(list: unknown, name: string, faults: Fault[]): [Entry, Path][] {
  if (list === undefined) return []
  if (!Array.isArray(list)) {
    faults.push({ path: name, message: 'expected a list' })
    return []
  }
  return list.map((entry, index) => [isObject(entry) ? entry : {}, [name, index]])
}
