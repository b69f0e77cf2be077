import { checkClock } from './clock.js'
import { checkDatabase } from './database.js'
import { checkCertificate, checkExposure, checkSettings } from './exposure.js'
import { checkFileModes } from './file-modes.js'
import type { Check, DoctorPlace, Finding } from './finding.js'
import { checkGateway } from './gateway.js'
import { checkNode, checkOpenFiles } from './runtime.js'
import { checkSecrets } from './secrets.js'

const CHECKS: readonly (readonly [string, Check])[] = [
  ['node', checkNode],
  ['open files', checkOpenFiles],
  ['settings', checkSettings],
  ['exposure', checkExposure],
  ['tls', checkCertificate],
  ['secrets', checkSecrets],
  ['files', checkFileModes],
  ['database', checkDatabase],
  ['clock', checkClock],
  ['gateway', checkGateway],
]

/** Looks at everything, all at once; a check that itself fails is a finding. */
export async function examine(place: DoctorPlace): Promise<Finding[]> {
  const found = await Promise.all(CHECKS.map(([name, check]) => guarded(name, check, place)))
  return found.flat()
}

async function guarded(name: string, check: Check, place: DoctorPlace): Promise<readonly Finding[]> {
  try {
    return await check(place)
  } catch (error) {
    const message = `could not be looked at: ${error instanceof Error ? error.message : String(error)}`
    return [{ check: name, level: 'error', message }]
  }
}
