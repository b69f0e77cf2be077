import { type PartialTemplateSettings, parseRegistryFile } from '@mcp-platform/core-registry'

/** Templates of a document that would make the gateway run a program: a stdio instance, or a command as health check. */
export function commandsOf(document: unknown): string[] {
  const { specs, templates } = parseRegistryFile(document, 'import')
  const started = specs.filter(({ attach }) => attach.kind === 'stdio').map(({ template }) => template)
  const checked = templates.filter(({ settings }) => runsCommand(settings)).map(({ name }) => name)
  return [...new Set([...started, ...checked])]
}

function runsCommand(settings: PartialTemplateSettings): boolean {
  return settings.healthCheck?.kind === 'command'
}

/** True for a PATCH body that sets a command as health check; what else is wrong with it is found later. */
export function setsCommand(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || !('health_check' in body)) return false
  const check = body.health_check
  return typeof check === 'object' && check !== null && 'command' in check
}
