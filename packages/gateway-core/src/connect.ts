import type { Instance, LaunchProfiles, StdioAttach, TemplateSettings } from '@mcp-platform/core-registry'
import {
  type ChildBudget,
  type ChildLedger,
  type Connection,
  HttpConnection,
  type HttpConnectionOptions,
  type OnUpstreamEvent,
  StdioConnection,
  UpstreamSpawnFailedError,
} from '@mcp-platform/mcp-upstream'
import type { GatewayObserver } from './events.js'
import { GATEWAY_CLIENT } from './plain-caller.js'

export interface ConnectorOptions {
  /** Which addresses may be reached; checked on every connection. */
  readonly guard: HttpConnectionOptions['guard']
  /** Children of this process, over all instances. */
  readonly children: ChildBudget
  /** What an instance that names a launch profile starts. @default there are none */
  readonly profiles?: LaunchProfiles | undefined
  /** Remembers running children, so that the next start can end what this process left behind. @default none */
  readonly ledger?: ChildLedger | undefined
  readonly onEvent: GatewayObserver
}

/** Makes the connection that an instance's attachment asks for; it throws UpstreamSpawnFailedError for an unknown launch profile. */
export function connector(options: ConnectorOptions): (instance: Instance, settings: TemplateSettings) => Connection {
  return (instance, settings) => {
    const { template, id } = instance
    const onEvent: OnUpstreamEvent = (event) => options.onEvent({ type: 'upstream', template, instanceId: id, event })
    const { attach } = instance
    if (attach.kind === 'http') return overHttp(instance, attach, settings, options, onEvent)
    const launch = attach.kind === 'profile' ? requireProfile(attach.profile, options) : attach
    return overStdio(instance, launch, settings, options, onEvent)
  }
}

/** @throws UpstreamSpawnFailedError */
function requireProfile(name: string, { profiles }: ConnectorOptions): StdioAttach {
  const profile = profiles?.get(name)
  if (profile !== undefined) return profile
  const reason = `no launch profile ${JSON.stringify(name)} is configured on this gateway`
  throw new UpstreamSpawnFailedError({ reason })
}

function overHttp(
  instance: Instance,
  attach: Instance['attach'] & { kind: 'http' },
  settings: TemplateSettings,
  options: ConnectorOptions,
  onEvent: OnUpstreamEvent,
): Connection {
  return new HttpConnection({
    url: attach.url,
    transport: attach.transport,
    protocol: protocolOf(instance, settings),
    headers: attach.headers,
    tls: attach.tls,
    clientInfo: GATEWAY_CLIENT,
    guard: options.guard,
    maxConnections: instance.maxInFlight ?? settings.maxInFlight,
    onEvent,
  })
}

function overStdio(
  instance: Instance,
  attach: StdioAttach,
  settings: TemplateSettings,
  options: ConnectorOptions,
  onEvent: OnUpstreamEvent,
): Connection {
  return new StdioConnection({
    command: attach.command,
    args: attach.args,
    workingDir: attach.workingDir,
    env: attach.env,
    protocol: protocolOf(instance, settings),
    clientInfo: GATEWAY_CLIENT,
    poolSize: settings.stdio.poolSize,
    sharing: settings.stdio.sharing,
    idleStopMs: settings.stdio.idleStopMs,
    maxAnswerBytes: settings.maxAnswerBytes,
    instance: `${instance.template}/${instance.id}`,
    budget: options.children,
    ledger: options.ledger,
    onEvent,
  })
}

// The instance's own word goes before the template's.
function protocolOf(instance: Instance, settings: TemplateSettings): Instance['protocol'] {
  return instance.protocol === 'auto' ? settings.protocol : instance.protocol
}
