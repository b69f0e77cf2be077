import { dirname, join } from 'node:path'
import { ClientCommand } from '../client-command.js'
import { profilesPath } from '../settings/profiles.js'
import type { ConnectionFlags } from '../settings/resolve.js'

export default class Interactive extends ClientCommand {
  static override summary = 'A prompt for all commands, with completion (Tab) and history.'
  static override description =
    `"gateway" may be left out: "list" is "gateway list". "use T" names the template of what follows: after "use files" there
are "tools", or "call read_text_file --arg path=README.md". A command that fails does not end the prompt; "exit" or Ctrl-D does.
Lines that may hold a secret are not kept in the history. Lines can be piped in as well: the exit code is then that of the last.`
  static override examples = [
    '<%= config.bin %> interactive',
    '<%= config.bin %> interactive --profile prod < commands.txt',
  ]

  async run(): Promise<void> {
    const { flags } = await this.parse(Interactive)
    const { History } = await import('../interactive/history.js')
    const { knownCommands } = await import('../interactive/known-command.js')
    const { GatewayNames } = await import('../interactive/names.js')
    const { PromptSession } = await import('../interactive/prompt-session.js')
    const isTyped = process.stdin.isTTY === true
    const history = await History.open(join(dirname(profilesPath(process.env, this.config.configDir)), 'history'))
    const session = new PromptSession({
      commands: knownCommands(this.config),
      history,
      names: new GatewayNames(() => this.connect(flags)),
      env: { ...process.env, ...environmentOf(flags) },
      isTyped,
    })
    if (isTyped) this.note(flags, '"gateway" may be left out; help lists the commands, Tab completes, exit leaves.')
    const lastCode = await session.run()
    if (isTyped) await history.save()
    else process.exitCode = lastCode
  }
}

// By the environment, not by arguments: those can be read by others on this machine.
function environmentOf(flags: ConnectionFlags & { readonly 'no-color': boolean }): NodeJS.ProcessEnv {
  const given: NodeJS.ProcessEnv = {}
  if (flags.url !== undefined) given['MCPP_URL'] = flags.url
  if (flags.profile !== undefined) given['MCPP_PROFILE'] = flags.profile
  if (flags['no-color']) given['NO_COLOR'] = '1'
  // One credential only: the other of the environment would be a second.
  if (flags['api-key'] !== undefined) Object.assign(given, { MCPP_API_KEY: flags['api-key'], MCPP_TOKEN: '' })
  if (flags.token !== undefined) Object.assign(given, { MCPP_TOKEN: flags.token, MCPP_API_KEY: '' })
  return given
}
