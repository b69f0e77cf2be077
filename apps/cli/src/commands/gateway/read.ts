import type { ResourceContents } from '@mcp-platform/contract'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { base64Bytes } from '../../output/content.js'
import { printable } from '../../output/printable.js'

export default class GatewayRead extends ClientCommand {
  static override summary = 'Print the content of a resource. Binary content goes to a file or a pipe.'
  static override examples = ['<%= config.bin %> gateway read docs file:///logo.png > logo.png']
  static override args = {
    template: argument({ description: 'name of the template', required: true }),
    uri: argument({ description: 'URI of the resource', required: true }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayRead)
    await using client = await this.connect(flags)
    const result = await client.readResource(args.template, args.uri)
    if (flags.json) return this.print(flags, result, () => '')
    for (const content of result.contents) writeContent(content)
  }
}

function writeContent({ uri, text, blob, mimeType }: ResourceContents): void {
  const { stdout } = process
  if (text !== undefined) stdout.write(stdout.isTTY ? `${printable(text)}\n` : text)
  else if (blob === undefined) return
  else if (stdout.isTTY)
    stdout.write(`[${uri} ${mimeType ?? 'binary'}, ${base64Bytes(blob)} bytes: redirect it to a file]\n`)
  else stdout.write(Buffer.from(blob, 'base64'))
}
