import { printable } from '../output/printable.js'
import type { Check, DoctorPlace, Finding } from './finding.js'

/** Whether a gateway answers, serves calls, and is of the version of this program. */
export const checkGateway: Check = async (place) => {
  const { running } = place
  if (running.state === 'silent') return [silentFinding(place, running.reason)]
  const { version } = running.health
  const found: Finding = { check: 'gateway', level: 'ok', message: `version ${version} answers at ${place.url}` }
  const more = running.state === 'serves' ? running.withheld : readyFinding(running.report.not_ready)
  return [found, versionFinding(place, version), more].filter((finding) => finding !== undefined)
}

// Not to run is no fault; to run and not to answer is one.
function silentFinding({ local }: DoctorPlace, reason: string): Finding {
  const message = printable(reason)
  if (local === undefined)
    return { check: 'gateway', level: 'warning', message, fix: 'mcpp gateway start --background' }
  return { check: 'gateway', level: 'error', message, fix: 'mcpp gateway logs' }
}

function versionFinding(place: DoctorPlace, version: string): Finding | undefined {
  if (version === place.version) return undefined
  const message = `the gateway is of version ${version}, this mcpp of version ${place.version}`
  const fix = 'install the same version on both sides, then: mcpp gateway restart'
  return { check: 'gateway', level: 'warning', message, fix }
}

function readyFinding(reason: string | undefined): Finding | undefined {
  if (reason === undefined) return undefined
  const fix = 'mcpp gateway logs'
  return { check: 'gateway', level: 'error', message: `it serves no calls: ${printable(reason)}`, fix }
}
