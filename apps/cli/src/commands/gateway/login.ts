import { setTimeout as sleep } from 'node:timers/promises'
import type { GatewayClient, SessionTokens } from '@mcp-platform/client'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { passwordFlags, takePassword } from '../../input/password.js'
import type { ConnectionSettings } from '../../settings/resolve.js'

/** The first few waits after failed logins are shorter. */
const MAX_WAIT_MS = 5_000

export default class GatewayLogin extends ClientCommand {
  static override summary = 'Log in to the gateway; the commands that follow are sent as this user.'
  static override description =
    `Keeps the tokens in the profile, readable by you only, for this gateway only; they are renewed when needed.
"mcpp gateway whoami --show-token" prints the access token for other programs.`
  static override examples = [
    '<%= config.bin %> gateway login admin',
    'pass show mcp/admin | <%= config.bin %> gateway login admin --password-stdin --url https://mcp.example.com',
  ]
  static override args = {
    // Else oclif takes one that is missing from standard input, where the password is.
    user: argument({ description: 'name of the user', required: true }),
  }
  static override flags = passwordFlags

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayLogin)
    const settings = await this.connection(flags)
    const warn = (text: string): void => this.warning(text)
    const password = await takePassword(flags, { text: `Password of ${args.user}`, isNew: false, warn })
    await using client = await this.client(settings, {})
    const tokens = await loginPatiently(client, args.user, password)
    const place = this.loginPlace(settings)
    const { storeLogin, stored } = await import('../../settings/stored-login.js')
    await storeLogin(place, { origin: place.origin, user: args.user, ...stored(tokens) })
    const value = { user: args.user, url: settings.url.value, profile: place.profile }
    await this.print(flags, value, () => loggedInText(args.user, settings))
    if (flags['api-key'] !== undefined || flags.token !== undefined || otherCredential(process.env)) {
      this.warning('a credential that is given by a flag or MCPP_API_KEY, MCPP_TOKEN comes before this login')
    }
  }
}

// After a failed login the gateway makes everybody wait; whoever has just mistyped the password need not do so by hand.
async function loginPatiently(client: GatewayClient, user: string, password: string): Promise<SessionTokens> {
  const { RateLimitedError } = await import('@mcp-platform/client')
  try {
    return await client.login(user, password)
  } catch (error) {
    const waitMs = error instanceof RateLimitedError ? error.retryAfterMs : undefined
    if (waitMs === undefined || waitMs > MAX_WAIT_MS) throw error
    await sleep(waitMs)
    return client.login(user, password)
  }
}

function loggedInText(user: string, { url, profile }: ConnectionSettings): string {
  const text = `Logged in as ${user} at ${url.value} (profile ${profile.value}).`
  const isPassing = url.source === '--url' || url.source === 'MCPP_URL'
  return isPassing ? `${text}\nTo use it without ${url.source}: mcpp config set url ${url.value}` : text
}

function otherCredential(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env['MCPP_API_KEY'] || env['MCPP_TOKEN'])
}
