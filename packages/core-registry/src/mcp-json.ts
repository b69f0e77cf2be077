import type { Fault, Path } from './faults.js'
import { pathText } from './faults.js'
import { foreignTemplateName } from './foreign-name.js'
import { parseInstance } from './instance-schema.js'
import { isObject } from './json.js'
import type { Environment, RegistryFile } from './registry-file-content.js'
import type { InstanceSpec } from './spec.js'
import { joinCommand } from './split-command.js'

/**
 * Reads the servers of an `mcp.json` as other programs write it: one template with one instance each.
 * Fields of those programs that mean nothing here are passed over; an entry with `disabled: true` is left out.
 */
export function parseMcpJson(servers: unknown, root: string, env: Environment): RegistryFile {
  const faults: Fault[] = []
  const specs: InstanceSpec[] = []
  const seen = new Map<string, string>()
  if (!isObject(servers))
    return { templates: [], specs, faults: [{ path: root, message: 'expected an object of servers' }] }
  for (const [name, entry] of Object.entries(servers)) {
    const at = [root, name]
    const template = foreignTemplateName(name)
    const twin = seen.get(template)
    if (twin !== undefined)
      faults.push({ path: pathText(at), message: `becomes the template ${template}, as ${twin} does` })
    else specs.push(...readServer(template, entry, { at, env, faults }))
    seen.set(template, name)
  }
  return { templates: [], specs, faults }
}

interface Reading {
  readonly at: Path
  readonly env: Environment
  readonly faults: Fault[]
}

function readServer(template: string, entry: unknown, { at, env, faults }: Reading): InstanceSpec[] {
  if (isObject(entry) && entry['disabled'] === true) return []
  const before = faults.length
  const expanded = expandAll(entry, at, env, faults)
  if (faults.length > before) return []
  const instance = isObject(expanded) ? toInstance(expanded) : expanded
  const spec = parseInstance(template, instance, at, faults)
  return spec === undefined ? [] : [spec]
}

function toInstance(entry: Record<string, unknown>): Record<string, unknown> {
  const { command, args, env, cwd, url, serverUrl, headers, type, transport } = entry
  const endpoint = url ?? serverUrl
  const attach = {
    // Here a command is one program, blanks in its path included, and never a command line.
    command: typeof command === 'string' ? joinCommand([command]) : command,
    endpoint,
    args,
    env,
    working_dir: cwd,
    headers,
    transport: transportName(type ?? transport),
  }
  return Object.fromEntries(Object.entries(attach).filter(([, value]) => value !== undefined))
}

function transportName(type: unknown): unknown {
  const streamable = ['http', 'streamable-http', 'streamableHttp', 'streamable_http']
  return typeof type === 'string' && streamable.includes(type) ? 'http' : type
}

function expandAll(value: unknown, at: Path, env: Environment, faults: Fault[]): unknown {
  if (typeof value === 'string') return expand(value, at, env, faults)
  if (Array.isArray(value)) return value.map((item, index) => expandAll(item, [...at, index], env, faults))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, expandAll(item, [...at, name], env, faults)]),
  )
}

/** `${VAR}`, `${env:VAR}` and `${VAR:-default}`; what a variable holds is not expanded again. */
function expand(text: string, at: Path, env: Environment, faults: Fault[]): string {
  return text.replace(/\$\{([^}]*)\}/g, (whole, inside: string) => {
    const match = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside)
    const value = match?.[1] === undefined ? undefined : env[match[1]] || match[2]
    if (value !== undefined) return value
    const reason = match === null ? 'cannot be expanded' : 'is not set in the environment and has no default (:-)'
    faults.push({ path: pathText(at), message: `${whole} ${reason}` })
    return ''
  })
}
