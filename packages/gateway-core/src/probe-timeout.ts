import type { Template, TemplateSettings } from '@mcp-platform/core-registry'

/** A child may take this long to answer for the first time (BALANCING.md, stdio children), in milliseconds. */
const CHILD_START_MS = 30_000

/**
 * How long a probe may take. The first probe of a child starts it, and `npx` may have to install it before; a child
 * that runs is bounded by the probe's own timers.
 */
export function probeTimeoutMs(template: Template, settings: TemplateSettings): number {
  const startsChildren = template.instances.some(({ attach }) => attach.kind !== 'http')
  return startsChildren ? Math.max(settings.healthCheckTimeoutMs, CHILD_START_MS) : settings.healthCheckTimeoutMs
}
