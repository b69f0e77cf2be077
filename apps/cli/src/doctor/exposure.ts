import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { systemCode } from '../errors.js'
import { type Check, type Finding, settingOf } from './finding.js'

const DAY_MS = 86_400_000
const SOON_DAYS = 14

/** Whether the settings can be used at all. */
export const checkSettings: Check = async ({ described }) => {
  const { errors, warnings } = described
  const findings: Finding[] = [
    ...errors.map((fault): Finding => {
      const message = `${fault.source} ${fault.message}`
      return { check: 'settings', level: 'error', message, fix: 'mcpp gateway config' }
    }),
    ...warnings.map(
      (message): Finding => ({ check: 'settings', level: 'warning', message, fix: 'mcpp gateway config' }),
    ),
  ]
  return findings.length > 0 ? findings : [{ check: 'settings', level: 'ok', message: 'every setting can be used' }]
}

/** Who can reach a gateway, and what they must show. */
export interface Exposure {
  readonly host: string
  readonly auth: boolean
  readonly tls: boolean
  readonly behindProxy: boolean
  readonly stdioMode: string
}

/** The same by the settings of a start. */
export const checkExposure: Check = async (place) => {
  const exposure: Exposure = {
    host: String(settingOf(place, 'host')),
    auth: settingOf(place, 'auth') === true,
    tls: settingOf(place, 'tls_cert') !== null,
    behindProxy: settingOf(place, 'behind_proxy') === true,
    stdioMode: String(settingOf(place, 'stdio_mode')),
  }
  return exposureFindings(exposure)
}

/** Who can reach the gateway, and whether they must say who they are. */
export function exposureFindings(exposure: Exposure): Finding[] {
  if (isLoopback(exposure.host)) return [loopbackFinding(exposure)]
  return [authFinding(exposure), encryptionFinding(exposure), stdioFinding(exposure)].filter(
    (finding) => finding !== undefined,
  )
}

/** The certificate that the gateway shows, if it does TLS itself. */
export const checkCertificate: Check = async (place) => {
  const file = settingOf(place, 'tls_cert')
  if (typeof file !== 'string') return []
  try {
    return [certificateFinding(new X509Certificate(await readFile(file)), file)]
  } catch (error) {
    const code = systemCode(error)
    const reason = code === undefined || code.startsWith('ERR_') ? 'it is no certificate in PEM' : code
    const fix = 'mcpp gateway start --tls-cert FILE --tls-key FILE'
    return [{ check: 'tls', level: 'error', message: `the certificate ${file} cannot be used (${reason})`, fix }]
  }
}

function loopbackFinding({ host, auth }: Exposure): Finding {
  const message = auth
    ? `listens on ${host}, every call needs a credential`
    : `listens on ${host}: every user of this machine may call tools, changes need the admin token (--auth: calls too)`
  return { check: 'exposure', level: 'ok', message }
}

function authFinding({ host, auth }: Exposure): Finding {
  if (auth) {
    return { check: 'exposure', level: 'ok', message: `listens on ${host}, every call needs a credential` }
  }
  const message = `whoever reaches ${host} may call tools: authentication is off`
  return { check: 'exposure', level: 'error', message, fix: 'mcpp gateway start --auth' }
}

function encryptionFinding({ host, tls, behindProxy }: Exposure): Finding {
  if (tls) return { check: 'tls', level: 'ok', message: 'the gateway does TLS itself' }
  if (behindProxy) return { check: 'tls', level: 'ok', message: 'a proxy in front does TLS' }
  const message = `traffic on ${host} is not encrypted: credentials and answers can be read on the way`
  return { check: 'tls', level: 'warning', message, fix: '--tls-cert FILE --tls-key FILE, or --behind-proxy' }
}

function stdioFinding({ stdioMode }: Exposure): Finding | undefined {
  if (stdioMode !== 'commands') return undefined
  const message = 'whoever has registry:exec can run programs on this machine from elsewhere'
  return { check: 'exposure', level: 'warning', message, fix: '--stdio-mode profiles' }
}

function certificateFinding({ validTo }: X509Certificate, file: string): Finding {
  const days = Math.floor((Date.parse(validTo) - Date.now()) / DAY_MS)
  const fix = 'renew it, then: mcpp gateway restart'
  if (days < 0) return { check: 'tls', level: 'error', message: `the certificate ${file} has ended on ${validTo}`, fix }
  const message = `the certificate ${file} holds for ${days} more days`
  return days < SOON_DAYS ? { check: 'tls', level: 'warning', message, fix } : { check: 'tls', level: 'ok', message }
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1' || host === '[::1]') return true
  return isIP(host) === 4 && host.startsWith('127.')
}
