import { writeFile } from 'node:fs/promises'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { CliError, systemCode } from '../../errors.js'

export default class GatewayExport extends ClientCommand {
  static override summary = 'Write the whole configuration as a document that "gateway import" takes.'
  static override args = { file: argument({ description: 'file to write; absent: standard output' }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayExport)
    await using client = await this.connect(flags)
    const document = await client.export()
    const text = JSON.stringify(document, null, 2)
    if (args.file === undefined) return this.print(flags, document, () => text)
    await write(args.file, `${text}\n`)
    this.note(flags, `Wrote ${args.file}.`)
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600 })
  } catch (error) {
    const message = `The file ${path} cannot be written (${systemCode(error) ?? 'unknown'}).`
    throw new CliError('CLI_UNWRITABLE', message, { cause: error })
  }
}
