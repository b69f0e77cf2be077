import type { ContentBlock, PromptMessage } from '@mcp-platform/contract'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { parsePairs } from '../../input/pairs.js'
import { blockText } from '../../output/content.js'
import { printable } from '../../output/printable.js'
import { repeatable } from '../../repeatable-flag.js'

export default class GatewayPrompt extends ClientCommand {
  static override summary = 'Print a prompt, filled in.'
  static override args = {
    template: argument({ description: 'name of the template', required: true }),
    prompt: argument({ description: 'name of the prompt', required: true }),
  }
  static override flags = {
    arg: repeatable('one argument', 'K=V'),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayPrompt)
    await using client = await this.connect(flags)
    const result = await client.getPrompt(args.template, args.prompt, parsePairs('--arg', flags.arg))
    await this.print(flags, result, () => result.messages.map(messageText).join('\n\n'))
  }
}

function messageText({ role, content }: PromptMessage): string {
  const blocks = Array.isArray(content) ? content : [content]
  return printable(`${role}: ${blocks.map((block) => blockText(block as ContentBlock)).join('\n')}`)
}
