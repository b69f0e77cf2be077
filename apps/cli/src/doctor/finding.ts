import type { GatewayClient, LocalGateway } from '@mcp-platform/client'
import type { GatewayHealth, GatewayReport } from '@mcp-platform/contract'
import type { DescribedConfig } from '@mcp-platform/gateway'

/** `ok`; `warning`: works, but somebody should look; `error`: wrong. */
export type FindingLevel = 'ok' | 'warning' | 'error'

/** What one check has found. */
export interface Finding {
  /** What was looked at: `node`, `files`, `database`, … */
  readonly check: string
  readonly level: FindingLevel
  /** One sentence, without secrets. */
  readonly message: string
  /** What to do or to type. */
  readonly fix?: string | undefined
}

/** What a gateway said that was asked: nothing, that it serves, or all it knows of itself. */
export type RunningGateway =
  | { readonly state: 'silent'; readonly reason: string }
  | { readonly state: 'serves'; readonly health: GatewayHealth; readonly withheld: Finding }
  | { readonly state: 'reports'; readonly health: GatewayHealth; readonly report: GatewayReport }

/** What the checks look at. */
export interface DoctorPlace {
  readonly env: NodeJS.ProcessEnv
  /** Settings of the gateway that runs, or would start. */
  readonly described: DescribedConfig
  /** The settings as they were given, from which secrets can be read that `described` hides. */
  readonly given: Readonly<Record<string, unknown>>
  readonly stateDir: string
  /** Central configuration of mcpp. */
  readonly profilesPath: string
  /** The gateway that runs on this machine. */
  readonly local: LocalGateway | undefined
  /** Where the gateway is that is asked. */
  readonly url: string
  readonly client: GatewayClient
  /** What the gateway at `url` says. */
  readonly running: RunningGateway
  /** The gateway at `url` is the one of this machine, or none answers: then settings and files here matter. */
  readonly isHere: boolean
  /** Settings were given: a start with them is to be judged, whatever runs. */
  readonly isAsked: boolean
  /** Version of this program. */
  readonly version: string
}

/** Looks at one thing; finds at least one thing to say. Does not throw for what is wrong with it. */
export type Check = (place: DoctorPlace) => Promise<readonly Finding[]>

/** The value of a setting, by its key in the configuration file. */
export function settingOf({ described }: DoctorPlace, name: string): unknown {
  return described.settings.find((setting) => setting.name === name)?.value
}

/** Where the value of a setting came from. */
export function sourceOf({ described }: DoctorPlace, name: string): string | undefined {
  return described.settings.find((setting) => setting.name === name)?.source
}
