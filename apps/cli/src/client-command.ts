import type { GatewayClient } from '@mcp-platform/client'
import { BaseCommand } from './base-command.js'
import { connectionFlags, globalFlags } from './global-flags.js'
import { stateFolderOf } from './local/state-folder.js'
import { isReadableByOthers, loadProfiles, profilesPath } from './settings/profiles.js'
import { type ConnectionFlags, type ConnectionSettings, resolveConnection } from './settings/resolve.js'

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
    const { url, managementUrl, credential } = await this.connection(flags)
    const { GatewayClient } = await import('@mcp-platform/client')
    const secret = credential?.value
    return new GatewayClient({
      baseUrl: url.value,
      managementUrl,
      apiKey: secret?.kind === 'api-key' ? secret.secret : undefined,
      authToken: secret?.kind === 'token' ? secret.secret : undefined,
      // Somebody waits at a prompt: say at once what is wrong.
      maxRetries: 0,
    })
  }
}
