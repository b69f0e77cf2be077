import { RegistryFileError } from './errors.js'
import { type Fault, type Path, pathText } from './faults.js'
import { parseInstance } from './instance-schema.js'
import { isObject } from './json.js'
import { parseMcpJson } from './mcp-json.js'
import { templateNameFault } from './names.js'
import type { DeclaredTemplate } from './reconciled.js'
import type { Environment, RegistryFile } from './registry-file-content.js'
import { parseServerJson } from './server-json.js'
import { readSettings } from './settings.js'
import type { InstanceSpec } from './spec.js'

/**
 * Reads a registry file: the root key `templates`, an `mcp.json` (`mcpServers`, VS Code's `servers`) or a `server.json`.
 * Bad entries are reported by their path and do not discard the others.
 * @param content the text of the file, or the value that was parsed from it
 * @param path named in errors only
 * @throws RegistryFileError when the text is not JSON, or none of these formats
 */
export function parseRegistryFile(content: unknown, path: string, options: { env?: Environment } = {}): RegistryFile {
  const root = typeof content === 'string' ? parseJson(content, path) : content
  if (!isObject(root)) throw new RegistryFileError(path, 'expected an object at the root')
  if (root['templates'] !== undefined) return parseTemplates(root, path)
  const servers = root['mcpServers'] !== undefined ? 'mcpServers' : 'servers'
  if (root[servers] !== undefined) return parseMcpJson(root[servers], servers, options.env ?? {})
  if (root['remotes'] !== undefined || root['packages'] !== undefined) return parseServerJson(root)
  throw new RegistryFileError(
    path,
    'has none of the root keys "templates", "mcpServers", "servers", "remotes", "packages"',
  )
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new RegistryFileError(path, `is not valid JSON${placeOf(error)}`, { cause: error })
  }
}

// Only the place: the message of V8 repeats some of the text, which may be a secret.
function placeOf(error: unknown): string {
  return / \(line \d+ column \d+\)/.exec(String(error))?.[0] ?? ''
}

function parseTemplates(root: Record<string, unknown>, path: string): RegistryFile {
  const { templates } = root
  if (!isObject(templates)) throw new RegistryFileError(path, '"templates" must be an object of templates by name')
  const reading = new Reading()
  for (const name of Object.keys(root)) {
    if (name !== 'templates' && name !== '$schema') reading.fault([name], 'unknown field; known fields are templates')
  }
  for (const [name, template] of Object.entries(templates)) reading.template(name, template)
  return reading
}

class Reading implements RegistryFile {
  readonly templates: DeclaredTemplate[] = []
  readonly specs: InstanceSpec[] = []
  readonly faults: Fault[] = []
  readonly #ids = new Set<string>()

  fault(path: Path, message: string): void {
    this.faults.push({ path: pathText(path), message })
  }

  template(name: string, input: unknown): void {
    const at = ['templates', name]
    const message = templateNameFault(name)
    if (message !== undefined) this.fault(at, message)
    else if (!isObject(input)) this.fault(at, 'expected an object with "instances"')
    else this.#template(name, input, at)
  }

  #template(name: string, { instances = [], ...settings }: Record<string, unknown>, at: Path): void {
    this.#settings(name, settings, at)
    const path = [...at, 'instances']
    if (!Array.isArray(instances)) this.fault(path, 'expected a list')
    else for (const [index, instance] of instances.entries()) this.#instance(name, instance, [...path, index])
  }

  /** Bad settings are left out as a whole; the template and its instances stay. */
  #settings(name: string, input: Record<string, unknown>, at: Path): void {
    const before = this.faults.length
    const settings = readSettings(input, at, this.faults)
    this.templates.push({ name, settings: this.faults.length === before ? settings : {} })
  }

  #instance(template: string, input: unknown, at: Path): void {
    const spec = parseInstance(template, input, at, this.faults)
    if (spec === undefined) return
    const key = spec.id === undefined ? undefined : `${template}/${spec.id}`
    if (key !== undefined && this.#ids.has(key)) this.fault([...at, 'id'], 'the id occurs twice in this template')
    else this.specs.push(spec)
    if (key !== undefined) this.#ids.add(key)
  }
}
