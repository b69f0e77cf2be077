import type { GatewayClient, GatewayClientOptions } from '@mcp-platform/client'
import type { SyncSource } from '@mcp-platform/contract'
import { BaseCommand } from './base-command.js'
import { CliError } from './errors.js'
import { exitCodes } from './exit-codes.js'
import { connectionFlags, globalFlags } from './global-flags.js'
import { stateFolderOf } from './local/state-folder.js'
import { hasFault, sourceLines } from './output/source-lines.js'
import { isReadableByOthers, loadProfiles, profilesPath } from './settings/profiles.js'
import { type ConnectionFlags, type ConnectionSettings, originOf, resolveConnection } from './settings/resolve.js'
import type { LoginPlace } from './settings/stored-login.js'

/** A command that talks to a running gateway. */
export abstract class ClientCommand extends BaseCommand {
  static override baseFlags: typeof globalFlags & typeof connectionFlags = { ...globalFlags, ...connectionFlags }

  /** How the gateway is reached, and where each part of that came from. */
  protected async connection(flags: ConnectionFlags): Promise<ConnectionSettings> {
    const path = profilesPath(process.env, this.config.configDir)
    const document = await loadProfiles(path)
    if (await isReadableByOthers(path)) this.warning(`others can read ${path}; run: chmod 600 ${path}`)
    const { discoverLocalGateway } = await import('@mcp-platform/client')
    const local = () => discoverLocalGateway({ stateDir: stateFolderOf(undefined, process.env) })
    return resolveConnection({ flags, env: process.env, document, local })
  }

  /** A client for the gateway; close it (`await using`). */
  protected async connect(flags: ConnectionFlags): Promise<GatewayClient> {
    const settings = await this.connection(flags)
    return this.client(settings, await this.#credential(settings))
  }

  /** Says what of the sources (registry file, discovery) is not in the registry: on stderr, so that results stay as they are. */
  protected warnOfSources(sources: readonly SyncSource[] = []): void {
    for (const source of sources.filter(hasFault)) this.warning(sourceLines(source).join('\n'))
  }

  /** A client that sends the given credential only. */
  protected async client(
    { url, managementUrl }: ConnectionSettings,
    credential: Pick<GatewayClientOptions, 'apiKey' | 'authToken' | 'sessionStore'>,
  ): Promise<GatewayClient> {
    const { GatewayClient } = await import('@mcp-platform/client')
    // Somebody waits at a prompt: say at once what is wrong.
    return new GatewayClient({ baseUrl: url.value, managementUrl, ...credential, maxRetries: 0 })
  }

  /** Where the login for this gateway is kept. */
  protected loginPlace({ profile, url }: ConnectionSettings): LoginPlace {
    const path = profilesPath(process.env, this.config.configDir)
    return { path, profile: profile.value, origin: originOf(url.value) }
  }

  async #credential(
    settings: ConnectionSettings,
  ): Promise<Pick<GatewayClientOptions, 'apiKey' | 'authToken' | 'sessionStore'>> {
    const credential = settings.credential?.value
    this.credentialKind = credential?.kind
    if (credential === undefined) return {}
    if (credential.kind !== 'login') {
      const { kind, secret } = credential
      return kind === 'api-key' ? { apiKey: secret } : { authToken: secret }
    }
    const { user, access_token: token } = credential.login
    if (token === undefined) throw loginEnded(user)
    const { profileSessionStore } = await import('./settings/stored-login.js')
    return { sessionStore: profileSessionStore(this.loginPlace(settings)) }
  }
}

function loginEnded(user: string): CliError {
  return new CliError('CLI_LOGIN_ENDED', `The login of ${user} has ended.`, {
    exitCode: exitCodes.notAuthenticated,
    next: `mcpp gateway login ${user}`,
  })
}
