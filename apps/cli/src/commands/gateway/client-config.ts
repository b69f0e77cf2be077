import { paths } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { type ClientProgram, clientPrograms, clientSnippet } from '../../output/client-config.js'

export default class GatewayClientConfig extends ClientCommand {
  static override summary = 'Print what to paste into an MCP client so that it uses the gateway.'
  static override examples = [
    '<%= config.bin %> gateway client-config files --for claude',
    '<%= config.bin %> gateway client-config --for vscode --auth',
  ]
  static override args = { template: argument({ description: 'one template; absent: all that the caller may see' }) }
  static override flags = {
    for: Flags.option({ options: clientPrograms, description: 'which program', default: 'generic' as ClientProgram })(),
    auth: Flags.boolean({ description: 'with a place for the credential' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayClientConfig)
    const { url } = await this.connection(flags)
    const path = args.template === undefined ? paths.mcpAll : paths.mcp(args.template)
    const endpoint = {
      name: args.template ?? 'mcp-gateway',
      url: url.value.replace(/\/+$/, '') + path,
      withCredential: flags.auth,
    }
    const { place, snippet } = clientSnippet(flags.for, endpoint)
    // The snippet alone on stdout, so that it can go straight into a file.
    if (!flags.json) process.stderr.write(`# ${place}\n`)
    await this.print(flags, { for: flags.for, place, snippet, ...endpoint }, () => snippet)
  }
}
