import { fileURLToPath } from 'node:url'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.js'
import { configFileFlag, gatewayFlags, givenSettings } from '../../gateway-flags.js'
import { hasFault, sourceLines } from '../../output/source-lines.js'
import { backgroundText, startedText } from '../../output/started.js'

const PROGRAM = fileURLToPath(new URL('../../../bin/run.js', import.meta.url))

type StartFlags = Record<string, unknown> & {
  readonly json: boolean
  readonly 'no-color': boolean
  readonly config?: string | undefined
}

export default class GatewayStart extends BaseCommand {
  static override summary = 'Start a gateway on this machine.'
  static override description = `Runs until it is interrupted; with --background it returns when the gateway answers.

Every setting is also MCP_GATEWAY_<NAME> in the environment and a key of the --config file; a flag comes before the
environment, that before the file. "mcpp gateway config" prints what holds and where it came from.`
  static override examples = [
    '<%= config.bin %> gateway start',
    '<%= config.bin %> gateway start --background --registry-file servers.json',
    '<%= config.bin %> gateway start --host 0.0.0.0 --auth --database postgres://mcpp@db/mcpp',
  ]
  static override flags = {
    ...gatewayFlags,
    ...configFileFlag,
    background: Flags.boolean({ description: 'return when it is ready; the log goes to the state folder' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayStart)
    if (flags.background) await this.#inBackground(flags)
    else await this.#here(flags)
  }

  async #here(flags: StartFlags): Promise<void> {
    const { runGateway } = await import('../../local/foreground.js')
    await runGateway({
      sources: { flags: givenSettings(flags), env: process.env, configFile: flags.config },
      onStarted: (started) => this.note(flags, startedText(started)),
    })
  }

  async #inBackground(flags: StartFlags): Promise<void> {
    const { requireSettings } = await import('../../local/gateway-settings.js')
    const { stateDir, authEnabled } = await requireSettings({
      flags: givenSettings(flags),
      env: process.env,
      configFile: flags.config,
    })
    const { startInBackground } = await import('../../local/background.js')
    const args = this.argv.filter((arg) => arg !== '--background' && arg !== '--json')
    const running = await startInBackground({ stateDir, program: PROGRAM, args, cwd: process.cwd() })
    const value = { url: running.url, pid: running.pid, version: running.version, state_dir: stateDir }
    const { registryOf } = await import('../../local/running.js')
    const registry = await registryOf(running)
    const isFirst = Object.keys(registry?.templates ?? {}).length === 0
    await this.print(flags, value, () => backgroundText({ ...running, authEnabled, isFirst }))
    for (const source of (registry?.sources ?? []).filter(hasFault)) this.warning(sourceLines(source).join('\n'))
  }
}
