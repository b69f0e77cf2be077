import { BaseCommand } from '../../base-command.js'
import { parseNumber } from '../../input/number.js'
import { stateFolderOf } from '../../local/state-folder.js'
import { stopFlags } from '../../local-flags.js'

export default class GatewayStop extends BaseCommand {
  static override summary = 'Stop the gateway of this machine: it finishes its calls, then ends.'
  static override examples = ['<%= config.bin %> gateway stop', '<%= config.bin %> gateway stop --timeout 5 --force']
  static override flags = stopFlags

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayStop)
    const { stopGateway } = await import('../../local/stop.js')
    const timeoutMs = parseNumber('--timeout', flags.timeout) * 1_000
    const stateDir = stateFolderOf(flags['state-dir'], process.env)
    const { url, pid } = await stopGateway({ stateDir, timeoutMs, force: flags.force })
    await this.print(flags, { url, pid, stopped: true }, () => `Stopped the gateway at ${url} (process ${pid}).`)
  }
}
