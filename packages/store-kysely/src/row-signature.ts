import type { PartialTemplateSettings } from '@mcp-platform/core-registry'
import type { InstancesTable, LoadBalancerConfigsTable } from './tables.js'

/**
 * Says that a row was written by a process with our key: whoever can write to the database but has not that key cannot make
 * a gateway start a command, or send the credentials of an upstream elsewhere.
 */
export interface RowSigner {
  sign(text: string): string
  verify(text: string, signature: string): boolean
  /** True for a signature of a key that is being replaced. Absent: none ever is. */
  isOutdated?(signature: string): boolean
}

/** What of an instance's row is signed: everything but its weight and its version. */
export type SignedInstance = Pick<InstancesTable, 'template_name' | 'id' | 'source' | 'state' | 'spec' | 'secrets'>

/** What of a template's row is signed. */
export type SignedSettings = Omit<LoadBalancerConfigsTable, 'signature'>

/** The text of an instance's row that its signature is of. */
export function instanceText(row: SignedInstance): string {
  return JSON.stringify(['instance/1', row.template_name, row.id, row.source, row.state, row.spec, row.secrets])
}

/** The text of a template's row that its signature is of. */
export function settingsText(row: SignedSettings): string {
  const { template_name, settings, declared_source, declared_settings, override_settings } = row
  return JSON.stringify(['settings/1', template_name, settings, declared_source, declared_settings, override_settings])
}

/** Says what is wrong with a signature; undefined when it is right, or nobody asks for one. */
export function signatureFault(
  text: string,
  signature: string | null,
  signer: RowSigner | undefined,
): string | undefined {
  if (signer === undefined) return undefined
  if (signature === null)
    return 'its row in the database was not written by a gateway; register it again (replace) to trust it'
  if (signer.verify(text, signature)) return undefined
  return 'its row in the database was changed behind the gateway; register it again (replace) to trust it'
}

/** True for settings that make a gateway run a program. */
export function runsCommand({ healthCheck }: PartialTemplateSettings): boolean {
  return healthCheck?.kind === 'command'
}
