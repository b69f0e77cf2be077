import { fileURLToPath } from 'node:url'
import { BaseCommand } from '../../base-command.js'
import { parseNumber } from '../../input/number.js'
import { stateFolderOf } from '../../local/state-folder.js'
import { stopFlags } from '../../local-flags.js'

const PROGRAM = fileURLToPath(new URL('../../../bin/run.js', import.meta.url))

export default class GatewayRestart extends BaseCommand {
  static override summary = 'Restart the background gateway as it was started.'
  static override flags = stopFlags

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayRestart)
    const { stopGateway } = await import('../../local/stop.js')
    const { readLaunch } = await import('../../local/launch-record.js')
    const { startInBackground } = await import('../../local/background.js')
    const stateDir = stateFolderOf(flags['state-dir'], process.env)
    const timeoutMs = parseNumber('--timeout', flags.timeout) * 1_000
    // Read first: what cannot be started again is not stopped.
    const record = await readLaunch(stateDir)
    await stopGateway({ stateDir, timeoutMs, force: flags.force })
    const { url, pid, version } = await startInBackground({ ...record, stateDir, program: PROGRAM })
    await this.print(flags, { url, pid, version }, () => `Restarted the gateway at ${url} (process ${pid}).`)
  }
}
