import type { DatabaseReport, GatewayReport, MasterKeyReport, NodeReport } from '@mcp-platform/contract'
import { printable } from '../output/printable.js'
import { exposureFindings } from './exposure.js'
import type { Check, Finding } from './finding.js'

/** What the gateway that runs says of itself: exposure, database, nodes, audit trail, master key. */
export const checkReported: Check = async ({ running, url }) => {
  if (running.state !== 'reports') return []
  const { report } = running
  return [
    ...exposureFindings(exposureOf(report)),
    databaseFinding(report.database),
    ...nodeFindings(report.nodes, url),
    ...auditFindings(report),
    masterKeyFinding(report.master_key, Date.now()),
  ]
}

function exposureOf({ exposure }: GatewayReport) {
  const { host, auth, tls, behind_proxy: behindProxy, stdio_mode: stdioMode } = exposure
  return { host, auth, tls, behindProxy, stdioMode }
}

function databaseFinding({ state, dialect, schema }: DatabaseReport): Finding {
  const check = 'database'
  if (state === 'unavailable' || schema === undefined) {
    const message = `${dialect} does not answer the gateway: it serves what it knows, and refuses changes`
    return { check, level: 'error', message, fix: 'look at the database server and the network; mcpp gateway logs' }
  }
  if (schema.state === 'current') return { check, level: 'ok', message: `${dialect} answers and is up to date` }
  if (schema.state === 'newer') {
    const message = `a newer version has changed the schema (${schema.unknown.join(', ')})`
    return { check, level: schema.usable ? 'warning' : 'error', message, fix: 'upgrade this gateway too' }
  }
  const message = `the schema lacks ${schema.pending.length} migrations: the database was put back or taken away under the gateway`
  return { check, level: 'error', message, fix: 'mcpp gateway db migrate, then: mcpp gateway restart' }
}

function nodeFindings(nodes: readonly NodeReport[], url: string): Finding[] {
  const check = 'nodes'
  if (nodes.length < 2) return []
  const versions = [...new Set(nodes.map(({ version }) => version ?? 'unknown'))]
  const names = nodes.map(({ id, url: own, version, self }) => {
    const at = own ?? 'no address'
    return `${id} (${version ?? 'unknown'}, ${self ? `this one, ${url}` : at})`
  })
  const message = printable(`${nodes.length} share the database: ${names.join(', ')}`)
  if (versions.length === 1) return [{ check, level: 'ok', message }]
  const fix = 'bring all to one version, one after the other'
  return [{ check, level: 'warning', message: `${message}; their versions differ`, fix }]
}

function auditFindings({ audit }: GatewayReport): Finding[] {
  const check = 'audit'
  const { spool_bytes: bytes, dropped } = audit
  const findings: Finding[] = []
  if (dropped > 0) {
    const message = `${dropped} events of the audit trail were lost since the start: more came than could be written`
    findings.push({ check, level: 'error', message, fix: 'make the database faster, or audit fewer templates' })
  }
  if (bytes > 0) {
    const message = `${Math.ceil(bytes / 1_024)} KiB of the audit trail wait in a file for the database`
    const fix = 'make the database take writes; they are written then by themselves'
    findings.push({ check, level: 'warning', message, fix })
  }
  return findings.length > 0 ? findings : [{ check, level: 'ok', message: 'nothing waits, nothing was lost' }]
}

function masterKeyFinding(key: MasterKeyReport, now: number): Finding {
  const check = 'master key'
  const { id, also_reads: others, database_id: database, previous } = key
  if (database !== undefined && database !== id) {
    const message = `the gateway still writes under ${id}, the database has gone over to ${database}`
    return {
      check,
      level: 'warning',
      message,
      fix: 'give it the new key before the old one, then: mcpp gateway restart',
    }
  }
  if (previous !== undefined && others.includes(previous.id)) return rotationFinding(previous, now)
  if (others.length > 0) {
    const message = `a change has begun: ${others.join(', ')} is read as well, ${id} is still in use`
    const fix = 'once every node reads both: give each the new key first, one restart at a time'
    return { check, level: 'warning', message, fix }
  }
  return { check, level: 'ok', message: `${id} is in use, and no other` }
}

function rotationFinding(previous: NonNullable<MasterKeyReport['previous']>, now: number): Finding {
  const check = 'master key'
  const until = previous.read_until.slice(0, 10)
  const isOver = Date.parse(previous.read_until) <= now
  const message = `a change is not finished: ${previous.id} is given as well, and is read until ${until}`
  const fix = isOver
    ? 'give the new key alone, then: mcpp gateway restart'
    : `rotate API keys that nobody has used since (mcpp gateway list-api-keys); from ${until} on give the new key alone`
  return { check, level: 'warning', message, fix }
}
