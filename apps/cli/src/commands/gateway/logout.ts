import { ClientCommand } from '../../client-command.js'
import { printable } from '../../output/printable.js'

export default class GatewayLogout extends ClientCommand {
  static override summary = 'End the login, at the gateway and in the profile.'

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayLogout)
    const settings = await this.connection(flags)
    const { forgetLogin, profileSessionStore } = await import('../../settings/stored-login.js')
    const place = this.loginPlace(settings)
    const { GatewayClientError } = await import('@mcp-platform/client')
    await using client = await this.client(settings, { sessionStore: profileSessionStore(place) })
    try {
      await client.logout()
    } catch (error) {
      if (!(error instanceof GatewayClientError)) throw error
      this.warning(`the gateway could not be told, so its tokens live on until they end: ${printable(error.message)}`)
    }
    await forgetLogin(place)
    await this.print(flags, { logged_out: true, profile: place.profile }, () => `Logged out of ${settings.url.value}.`)
  }
}
