import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.js'
import { parseNumber } from '../../input/number.js'
import { followLog, logPath, readTail } from '../../local/log-file.js'
import { stateFolderOf } from '../../local/state-folder.js'
import { stateDirFlag } from '../../local-flags.js'

export default class GatewayLogs extends BaseCommand {
  static override summary = 'Print the log of the background gateway.'
  static override examples = ['<%= config.bin %> gateway logs -n 50', '<%= config.bin %> gateway logs -f']
  static override flags = {
    ...stateDirFlag,
    follow: Flags.boolean({ char: 'f', description: 'go on printing as the log grows, until interrupted' }),
    lines: Flags.string({ char: 'n', description: 'how many lines of the end', helpValue: 'COUNT', default: '200' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayLogs)
    const path = logPath(stateFolderOf(flags['state-dir'], process.env))
    const { text, end } = await readTail(path, { lines: Math.floor(parseNumber('--lines', flags.lines)) })
    if (text !== '') process.stdout.write(`${text}\n`)
    if (flags.follow) await this.#follow(path, end)
  }

  async #follow(path: string, offset: number): Promise<void> {
    const { interruptSignal } = await import('../../local/interrupt.js')
    using interrupt = interruptSignal()
    for await (const text of followLog(path, offset, interrupt.signal)) process.stdout.write(text)
  }
}
