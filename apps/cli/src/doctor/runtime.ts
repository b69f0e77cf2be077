import { readFile } from 'node:fs/promises'
import { systemCode } from '../errors.js'
import type { Check, Finding } from './finding.js'

/** A gateway has two connections open for each call. */
const ENOUGH_FILES = 4_096
const TOO_FEW_FILES = 1_024

/** Node.js. bin/run.js has refused to start on one that is too old. */
export const checkNode: Check = async () => [
  { check: 'node', level: 'ok', message: `Node.js ${process.versions.node} on ${process.platform} ${process.arch}` },
]

/** How many files and connections the gateway may have open. */
export const checkOpenFiles: Check = async ({ local }) => {
  const limit = (local === undefined ? undefined : await limitOfProcess(local.pid)) ?? ownLimit()
  if (limit === undefined) return [{ check: 'open files', level: 'ok', message: 'this system has no limit to look at' }]
  return [openFilesFinding(limit)]
}

function openFilesFinding(limit: number): Finding {
  const message = `${limit === Number.POSITIVE_INFINITY ? 'any number of' : limit} open files and connections`
  if (limit >= ENOUGH_FILES) return { check: 'open files', level: 'ok', message }
  const fix = 'ulimit -n 65536 before the start (systemd: LimitNOFILE=65536)'
  return { check: 'open files', level: limit < TOO_FEW_FILES ? 'error' : 'warning', message: `only ${message}`, fix }
}

async function limitOfProcess(pid: number): Promise<number | undefined> {
  if (process.platform !== 'linux') return undefined
  try {
    const limits = await readFile(`/proc/${pid}/limits`, 'utf8')
    return toLimit(/^Max open files\s+(\S+)/m.exec(limits)?.[1])
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    return undefined
  }
}

function ownLimit(): number | undefined {
  // Otherwise the report looks up the names of all network peers; Node's types do not know the option.
  Object.assign(process.report, { excludeNetwork: true })
  const report: unknown = process.report.getReport()
  const limits = memberOf(memberOf(report, 'userLimits'), 'open_files')
  return toLimit(memberOf(limits, 'soft'))
}

function toLimit(value: unknown): number | undefined {
  if (value === 'unlimited') return Number.POSITIVE_INFINITY
  const limit = Number(value)
  return Number.isFinite(limit) ? limit : undefined
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
