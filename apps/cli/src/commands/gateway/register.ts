import { resolve } from 'node:path'
import type {
  InstanceRequest,
  LoadBalancerSettingsWire,
  RegisterRequest,
  RegisterResponse,
} from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { usageError } from '../../errors.js'
import { exitCodes } from '../../exit-codes.js'
import { parseNumber } from '../../input/number.js'
import { parseObject, parsePairs } from '../../input/pairs.js'
import { repeatable } from '../../repeatable-flag.js'

const INSTANCE = 'INSTANCE'

export default class GatewayRegister extends ClientCommand {
  static override summary = 'Register an instance of a template: a URL, or a command that is started.'
  static override examples = [
    '<%= config.bin %> gateway register search --endpoint http://10.0.0.11:7071/mcp --weight 2 --wait',
    '<%= config.bin %> gateway register files --command "npx -y @modelcontextprotocol/server-filesystem /data"',
  ]
  static override args = { template: argument({ description: 'name of the template', required: true }) }
  static override flags = {
    endpoint: Flags.string({ description: 'URL of the server', helpValue: 'URL', helpGroup: INSTANCE }),
    command: Flags.string({
      description: 'command line of a stdio server; quotes are honoured, no shell is used',
      helpValue: '"PROGRAM ARGS"',
      helpGroup: INSTANCE,
    }),
    'launch-profile': Flags.string({
      description: "command of this name in the gateway's own configuration",
      helpValue: 'NAME',
      helpGroup: INSTANCE,
    }),
    'working-dir': Flags.string({
      description: 'folder that the command starts in',
      helpValue: 'FOLDER',
      helpGroup: INSTANCE,
    }),
    env: repeatable('environment of the command', 'K=V', INSTANCE),
    header: repeatable('header of every request', 'K=V', INSTANCE),
    id: Flags.string({ description: 'id of the instance [the gateway makes one]', helpGroup: INSTANCE }),
    weight: Flags.string({ description: 'share of the traffic [1]', helpValue: 'NUMBER', helpGroup: INSTANCE }),
    'max-in-flight': Flags.string({ description: 'calls at the same time', helpValue: 'COUNT', helpGroup: INSTANCE }),
    protocol: Flags.string({ description: 'auto, legacy or modern [auto]', helpGroup: INSTANCE }),
    transport: Flags.string({ description: 'auto, http, sse or stdio [auto]', helpGroup: INSTANCE }),
    region: Flags.string({ description: 'where it runs', helpGroup: INSTANCE }),
    metadata: Flags.string({ description: 'anything, as a JSON object', helpValue: 'JSON', helpGroup: INSTANCE }),
    strategy: Flags.string({ description: 'balancing strategy of the template' }),
    'health-interval': Flags.string({
      description: 'seconds between health checks of the template',
      helpValue: 'SECONDS',
    }),
    replace: Flags.boolean({ description: 'replace an instance with the same id' }),
    wait: Flags.boolean({ description: 'wait for the first health check; exit code 1 when it fails' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayRegister)
    const request = requestOf(args.template, flags)
    await using client = await this.connect(flags)
    const response = await client.register(request, {
      replace: flags.replace || undefined,
      probe: flags.wait || undefined,
    })
    const isStarted = flags.endpoint === undefined
    await this.print(flags, response, () => responseText(response, isStarted))
    if (response.probe?.ok === false) process.exitCode = exitCodes.failed
  }
}

interface RegisterFlags {
  readonly endpoint?: string | undefined
  readonly command?: string | undefined
  readonly 'launch-profile'?: string | undefined
  readonly 'working-dir'?: string | undefined
  readonly env?: string[] | undefined
  readonly header?: string[] | undefined
  readonly id?: string | undefined
  readonly weight?: string | undefined
  readonly 'max-in-flight'?: string | undefined
  readonly protocol?: string | undefined
  readonly transport?: string | undefined
  readonly region?: string | undefined
  readonly metadata?: string | undefined
  readonly strategy?: string | undefined
  readonly 'health-interval'?: string | undefined
}

function requestOf(template: string, flags: RegisterFlags): RegisterRequest {
  const ways = [flags.endpoint, flags.command, flags['launch-profile']].filter((way) => way !== undefined)
  if (ways.length !== 1) {
    const message = 'Give one of --endpoint URL, --command "PROGRAM ARGS" and --launch-profile NAME.'
    throw usageError(message, 'mcpp gateway register --help')
  }
  const settings = settingsOf(flags)
  const some = Object.keys(settings).length > 0
  return { template_name: template, instance: instanceOf(flags), ...(some ? { load_balancer: settings } : {}) }
}

// What a word may be is for the gateway to say: it names all faults at once.
function instanceOf(flags: RegisterFlags): InstanceRequest {
  const { id, endpoint, command, protocol, transport, region, weight, metadata } = flags
  const inFlight = flags['max-in-flight']
  const folder = flags['working-dir']
  return present({
    id,
    endpoint,
    command,
    profile: flags['launch-profile'],
    working_dir: folder === undefined ? undefined : resolve(folder),
    env: flags.env === undefined ? undefined : parsePairs('--env', flags.env),
    headers: flags.header === undefined ? undefined : parsePairs('--header', flags.header),
    protocol,
    transport,
    region,
    weight: weight === undefined ? undefined : parseNumber('--weight', weight),
    max_in_flight: inFlight === undefined ? undefined : parseNumber('--max-in-flight', inFlight, 1),
    metadata: metadata === undefined ? undefined : parseObject('--metadata', metadata),
  })
}

function settingsOf(flags: RegisterFlags): LoadBalancerSettingsWire {
  const interval = flags['health-interval']
  return present({
    strategy: flags.strategy,
    health_check_interval: interval === undefined ? undefined : parseNumber('--health-interval', interval),
  })
}

function present(members: Record<string, unknown>): Record<string, never> {
  const given = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Record<string, never>
}

function responseText(
  { status, probe, message, template_name: template }: RegisterResponse,
  isStarted: boolean,
): string {
  if (probe === undefined) return `${message} (${status})`
  if (!probe.ok) {
    const failed = `${message}, but its first health check failed: ${probe.reason ?? status}`
    // What a program said when it ended is in the log of the gateway only.
    return `${failed}\nTry: mcpp gateway ${isStarted ? 'logs' : `explain ${template}`}`
  }
  return probe.endpoint === undefined
    ? `${message} (${status})`
    : `${message} (${status}), answered at ${probe.endpoint}`
}
