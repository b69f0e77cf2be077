import { type AuditEvent, auditEvent } from '@mcp-platform/auth'
import { type Registry, type RegistryState, untrustedRows } from '@mcp-platform/core-registry'

/**
 * Writes an audit record for each row that somebody else than a gateway has put into the database: for those that are there
 * now, and as they are found. @returns how to stop
 */
export function auditUntrusted(
  registry: Registry,
  record: (event: AuditEvent) => void,
  now: () => Date = () => new Date(),
): () => void {
  const tell = (state: RegistryState, previous?: RegistryState): void => {
    for (const { template, instanceId, reason } of untrustedRows(state, previous)) {
      const target = instanceId === undefined ? template : `${template}/${instanceId}`
      const facts = { actor: 'unknown', action: 'registry.untrusted', outcome: 'denied', target } as const
      record(auditEvent({ ...facts, at: now(), details: { reason } }))
    }
  }
  tell(registry.state)
  return registry.subscribe(tell)
}
