import { type Check, type DoctorPlace, type Finding, settingOf, sourceOf } from './finding.js'

/** Secrets that are missing, or that lie where others can read them. */
export const checkSecrets: Check = async (place) => {
  const findings = [masterKeyFinding(place), adminPasswordFinding(place), databaseUrlFinding(place)]
  const wrong = findings.filter((finding) => finding !== undefined)
  return wrong.length > 0 ? wrong : [{ check: 'secrets', level: 'ok', message: 'none is missing or lies about' }]
}

function masterKeyFinding(place: DoctorPlace): Finding | undefined {
  const { env } = place
  const isGiven = Boolean(env['MCP_GATEWAY_MASTER_KEY'] || env['MCP_GATEWAY_MASTER_KEY_FILE'])
  if (isGiven || /^(sqlite|file):/.test(String(settingOf(place, 'database')))) return undefined
  const message = 'a database that nodes share needs a master key, and none is in this environment'
  const fix =
    'openssl rand -base64 32 > FILE; chmod 600 FILE; export MCP_GATEWAY_MASTER_KEY_FILE=FILE (the same on every node)'
  return { check: 'secrets', level: 'error', message, fix }
}

function adminPasswordFinding({ env }: DoctorPlace): Finding | undefined {
  if (!env['MCP_GATEWAY_ADMIN_PASSWORD']) return undefined
  const message = 'the password of the first administrator is still in the environment; it is needed once'
  return { check: 'secrets', level: 'warning', message, fix: 'unset MCP_GATEWAY_ADMIN_PASSWORD' }
}

function databaseUrlFinding(place: DoctorPlace): Finding | undefined {
  const hasPassword = String(settingOf(place, 'database')).includes('***')
  if (!hasPassword || sourceOf(place, 'database') !== '--database') return undefined
  const message = 'the password of the database is among the arguments, where everybody on this machine can read it'
  return {
    check: 'secrets',
    level: 'warning',
    message,
    fix: 'give it as MCP_GATEWAY_DATABASE_URL, or in the --config file',
  }
}
