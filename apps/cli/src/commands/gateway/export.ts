import { writeFile } from 'node:fs/promises'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { passphraseFlag } from '../../database/flags.js'
import { passphraseOf, withGateway } from '../../database/run.js'
import { CliError, systemCode, usageError } from '../../errors.js'

export default class GatewayExport extends ClientCommand {
  static override summary = 'Write the whole configuration as a document that "gateway import" takes.'
  static override description =
    `Without a passphrase it is JSON, with the hashes of passwords in the clear. With one the file is encrypted as a backup is,
on this machine: the passphrase goes nowhere, and without it nobody can import the file.`
  static override args = { file: argument({ description: 'file to write; absent: standard output' }) }
  static override flags = { ...passphraseFlag }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayExport)
    const passphrase = await passphraseOf(flags['passphrase-file'])
    if (passphrase !== undefined && args.file === undefined)
      throw usageError('An encrypted export needs a file to be written to.', 'mcpp gateway export FILE')
    await using client = await this.connect(flags)
    const document = await client.export()
    const text = JSON.stringify(document, null, 2)
    if (args.file === undefined) return this.print(flags, document, () => text)
    await write(args.file, `${text}\n`, { passphrase, version: this.config.version })
    this.note(flags, `Wrote ${args.file}${passphrase === undefined ? '' : ', encrypted'}.`)
  }
}

async function write(
  file: string,
  text: string,
  { passphrase, version }: { readonly passphrase: string | undefined; readonly version: string },
): Promise<void> {
  try {
    if (passphrase === undefined) await writeFile(file, text, { mode: 0o600 })
    else await withGateway((gateway) => gateway.writeEncryptedExport({ file, text, passphrase, version }))
  } catch (error) {
    const message = `The file ${file} cannot be written (${systemCode(error) ?? 'unknown'}).`
    throw new CliError('CLI_UNWRITABLE', message, { cause: error })
  }
}
