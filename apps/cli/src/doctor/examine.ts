import { checkClock } from './clock.js'
import { checkDatabase, checkDisk } from './database.js'
import { checkCertificate, checkExposure, checkSettings } from './exposure.js'
import { checkFileModes } from './file-modes.js'
import type { Check, DoctorPlace, Finding } from './finding.js'
import { checkGateway } from './gateway.js'
import { checkReported } from './reported.js'
import { checkNode, checkOpenFiles } from './runtime.js'
import { checkSecrets } from './secrets.js'
import { checkUpstreams } from './upstreams.js'

type NamedCheck = readonly [name: string, check: Check]

/** This program and this machine. */
const HERE: readonly NamedCheck[] = [
  ['node', checkNode],
  ['clock', checkClock],
]
/** Where the gateway is, or would be, on this machine. */
const PLACE: readonly NamedCheck[] = [
  ['open files', checkOpenFiles],
  ['settings', checkSettings],
  ['tls', checkCertificate],
  ['secrets', checkSecrets],
  ['files', checkFileModes],
  ['disk', checkDisk],
]
/** What settings promise, where no gateway says how it is. */
const START: readonly NamedCheck[] = [
  ['exposure', checkExposure],
  ['database', checkDatabase],
]
const RUNNING: readonly NamedCheck[] = [
  ['gateway', checkGateway],
  ['gateway', checkReported],
  ['upstreams', checkUpstreams],
]

/** Looks at everything, all at once; a check that itself fails is a finding. */
export async function examine(place: DoctorPlace): Promise<Finding[]> {
  const found = await Promise.all(checksFor(place).map(([name, check]) => guarded(name, check, place)))
  return found.flat()
}

// Of a gateway that is elsewhere, files and environment here say nothing.
function checksFor({ isAsked, isHere, running }: DoctorPlace): NamedCheck[] {
  const concernsStart = isAsked || (isHere && running.state !== 'reports')
  return [...HERE, ...(isAsked || isHere ? PLACE : []), ...(concernsStart ? START : []), ...RUNNING]
}

async function guarded(name: string, check: Check, place: DoctorPlace): Promise<readonly Finding[]> {
  try {
    return await check(place)
  } catch (error) {
    const message = `could not be looked at: ${error instanceof Error ? error.message : String(error)}`
    return [{ check: name, level: 'error', message }]
  }
}
