import type { ConfigFault } from '../errors.js'
import { isLoopback } from '../http/addresses.js'
import { fileKey } from './names.js'
import type { SettingName, Settings } from './settings.js'

/** Faults that only show in combinations of settings. */
export function crossFaults(settings: Settings, origins: Readonly<Record<SettingName, string>>): ConfigFault[] {
  const faults: ConfigFault[] = []
  const report = (name: SettingName, message: string): void =>
    void faults.push({ name: fileKey(name), source: origins[name], message })
  if (settings.auth === false && !isLoopback(settings.host) && !settings.insecure) {
    report('auth', `is off, but ${settings.host} is reachable from other machines; turn it on, or add --insecure`)
  }
  if (settings.tlsCert !== undefined && settings.tlsKey === undefined) report('tlsCert', 'needs tls_key as well')
  if (settings.tlsKey !== undefined && settings.tlsCert === undefined) report('tlsKey', 'needs tls_cert as well')
  if (settings.tokenIssuer.length > 0 && settings.publicUrl === undefined) {
    report('tokenIssuer', 'needs public_url as well: tokens must be made for this gateway, and name that URL')
  }
  if (settings.tokenIssuer.some(({ issuer }) => issuer === settings.publicUrl)) {
    report('tokenIssuer', 'must not have public_url as an issuer: that is the gateway itself')
  }
  return faults
}
