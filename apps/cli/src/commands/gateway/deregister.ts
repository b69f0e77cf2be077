import type { GatewayClient } from '@mcp-platform/client'
import type { DeregisterResponse } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { usageError } from '../../errors.js'
import { printable } from '../../output/printable.js'
import { requireTemplate } from '../../output/registry-rows.js'

export default class GatewayDeregister extends ClientCommand {
  static override summary = 'Remove an instance, or all of a template. Calls in flight may end first.'
  static override args = {
    template: argument({ description: 'name of the template', required: true }),
    instance: argument({ description: 'id of the instance' }),
  }
  static override flags = {
    all: Flags.boolean({ description: 'remove every instance of the template' }),
    force: Flags.boolean({ description: 'do not wait for calls in flight' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayDeregister)
    if ((args.instance === undefined) === !flags.all) {
      throw usageError('Give the id of an instance, or --all.', `mcpp gateway list ${args.template}`)
    }
    await using client = await this.connect(flags)
    const options = { force: flags.force || undefined }
    if (args.instance !== undefined) {
      const response = await client.deregister(args.template, args.instance, options)
      await this.print(flags, response, () => responseText(response))
      this.#warnOfReturn([response])
      return
    }
    const responses = await removeAll(client, args.template, options)
    await this.print(flags, responses, () => responses.map(responseText).join('\n') || 'There was no instance.')
    this.#warnOfReturn(responses)
  }

  // Also with --json: who removes an instance in a script wants it gone.
  #warnOfReturn(responses: readonly DeregisterResponse[]): void {
    const sources = new Set(responses.filter(({ returns }) => returns).map(({ source }) => source))
    for (const source of sources) {
      this.warning(`to be rid of it for good, take the entry out of ${printable(source.replace(/^file:/, ''))}`)
    }
  }
}

async function removeAll(
  client: GatewayClient,
  template: string,
  options: { readonly force: true | undefined },
): Promise<DeregisterResponse[]> {
  const { instances } = requireTemplate(await client.registry(), template)
  const responses: DeregisterResponse[] = []
  for (const { id } of instances) responses.push(await client.deregister(template, id, options))
  return responses
}

function responseText({ message, in_flight: inFlight }: DeregisterResponse): string {
  return inFlight === 0 ? message : `${message} (${inFlight} calls still in flight)`
}
