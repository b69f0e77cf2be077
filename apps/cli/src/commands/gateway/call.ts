import type { CallToolOptions, GatewayClient } from '@mcp-platform/client'
import type { CallResult } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { CliError, usageError } from '../../errors.js'
import { exitCodes } from '../../exit-codes.js'
import { parseNumber } from '../../input/number.js'
import { parseObject } from '../../input/pairs.js'
import { readStdin } from '../../input/read-input.js'
import { buildArguments, needsSchema } from '../../input/tool-arguments.js'
import { resultText } from '../../output/content.js'
import { printable } from '../../output/printable.js'
import { ProgressLine } from '../../output/progress.js'
import { repeatable } from '../../repeatable-flag.js'

interface CallFlags {
  readonly arg?: string[] | undefined
  readonly args?: string | undefined
}

export default class GatewayCall extends ClientCommand {
  static override summary = 'Call a tool.'
  static override description =
    `Arguments are given one by one (--arg path=/etc/hosts; converted as the tool's schema says, or
--arg count:=3 for JSON), as one JSON object (--args), or on standard input (-).
Exit code 1 when the tool itself reports an error.`
  static override examples = [
    '<%= config.bin %> gateway call files read_text_file --arg path=/etc/hosts',
    `<%= config.bin %> gateway call search query --args '{"text":"mcp","limit":3}' --json`,
    'echo \'{"text":"mcp"}\' | <%= config.bin %> gateway call search query -',
  ]
  static override args = {
    template: argument({ description: 'name of the template', required: true }),
    tool: argument({ description: 'name of the tool', required: true }),
    input: argument({ description: 'read the arguments from standard input', options: ['-'] }),
  }
  static override flags = {
    arg: repeatable('one argument', 'K=V'),
    args: Flags.string({
      description: 'all arguments; - for standard input',
      helpValue: 'JSON',
      exclusive: ['arg'],
    }),
    stream: Flags.boolean({ description: 'show progress and log messages while the tool runs' }),
    timeout: Flags.string({ description: 'seconds the call may take', helpValue: 'SECONDS' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayCall)
    await using client = await this.connect(flags)
    const given = { arg: flags.arg, args: args.input ?? flags.args }
    const toolArguments = await readArguments(client, args, given)
    const progress = new ProgressLine(process.stderr)
    try {
      const result = await client.callTool(args.template, args.tool, toolArguments, callOptions(flags, progress))
      progress.end()
      await this.#show(flags, result)
    } finally {
      progress.end()
    }
  }

  async #show(flags: { json: boolean; 'no-color': boolean }, result: CallResult): Promise<void> {
    const text = (): string => (process.stdout.isTTY ? printable(resultText(result)) : resultText(result))
    if (result.isError === true && !flags.json)
      process.stderr.write(`The tool reports an error:\n${printable(text())}\n`)
    else await this.print(flags, result, text)
    if (result.isError === true) process.exitCode = exitCodes.failed
  }
}

async function readArguments(
  client: GatewayClient,
  { template, tool }: { readonly template: string; readonly tool: string },
  { arg = [], args }: CallFlags,
): Promise<Record<string, unknown>> {
  if (args !== undefined && arg.length > 0)
    throw usageError('Give the arguments by --arg, by --args or by -, in one way.')
  if (args !== undefined) return parseObject('--args', args === '-' ? await readStdin() : args)
  if (!needsSchema(arg)) return buildArguments(arg, undefined)
  const found = (await client.listTools(template)).find(({ name }) => name === tool)
  if (found !== undefined) return buildArguments(arg, found.inputSchema)
  const message = `The template "${template}" has no tool "${tool}".`
  throw new CliError('TOOL_NOT_FOUND', message, { next: `mcpp gateway tools ${template}` })
}

function callOptions(
  { stream, timeout }: { readonly stream: boolean; readonly timeout?: string | undefined },
  progress: ProgressLine,
): CallToolOptions {
  const bound = timeout === undefined ? {} : { timeoutMs: Math.ceil(parseNumber('--timeout', timeout, 0.001) * 1_000) }
  if (!stream) return bound
  return {
    ...bound,
    onProgress: (step) => progress.show(step),
    onNotification: ({ method, params }) => {
      if (method !== 'notifications/message') return
      progress.end()
      process.stderr.write(`${printable(logText(params))}\n`)
    },
  }
}

function logText(params: Record<string, unknown> = {}): string {
  const { level, data } = params
  return `[${String(level ?? 'log')}] ${typeof data === 'string' ? data : JSON.stringify(data)}`
}
