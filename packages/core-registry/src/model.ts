/** How an instance is reached. */
export type Attach = HttpAttach | StdioAttach | ProfileAttach

/** A server behind a URL: Streamable HTTP, or the deprecated HTTP+SSE transport. */
export interface HttpAttach {
  readonly kind: 'http'
  /** As given at registration. */
  readonly url: string
  /** `auto` tries Streamable HTTP first, then HTTP+SSE. @default 'auto' */
  readonly transport: 'auto' | 'http' | 'sse'
  /** Sent with every request to this instance. Secret: never leaves the registry but towards the upstream. */
  readonly headers: Readonly<Record<string, string>>
  /** How the gateway and this instance know each other; `https` only. Secret, as `headers`. */
  readonly tls?: TlsIdentity | undefined
}

/** Certificates of one upstream, as PEM. */
export interface TlsIdentity {
  /** Authorities that its certificate is checked against, instead of those that everybody trusts. */
  readonly ca?: string | undefined
  /** The gateway's own certificate, with its chain; goes with `key`. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** A child process that speaks MCP on its standard streams. Never started through a shell. */
export interface StdioAttach {
  readonly kind: 'stdio'
  readonly command: string
  readonly args: readonly string[]
  readonly workingDir?: string | undefined
  /** Added to the child's small base environment. Secret. */
  readonly env: Readonly<Record<string, string>>
}

/** A child process that the local configuration of each node describes: only the name of its launch profile is here. */
export interface ProfileAttach {
  readonly kind: 'profile'
  readonly profile: string
}

/** What the operator wants of an instance. */
export type AdminState = 'active' | 'draining' | 'disabled'

/** Which protocol era a server speaks; `auto` finds out. */
export type ProtocolSetting = 'auto' | 'legacy' | 'modern'

/** One running copy of a template, as registered. Immutable: a change makes a new object. */
export interface Instance {
  readonly template: string
  /** Unique within the template. */
  readonly id: string
  readonly attach: Attach
  readonly protocol: ProtocolSetting
  /** Relative share of traffic, finite and >= 0; 0 takes no new calls. What holds now: an override is in it already. */
  readonly weight: number
  /** The weight as registered, while an override hides it; absent: `weight`. */
  readonly declaredWeight?: number | undefined
  /** Calls in flight at once; absent: the template's. */
  readonly maxInFlight?: number | undefined
  readonly region?: string | undefined
  readonly metadata: Readonly<Record<string, unknown>>
  /** What holds now: an override is in it already. */
  readonly state: AdminState
  /** Who registered it: `api`, `file:<path>`, `docker`, … Only the same source may remove it by reconciling. */
  readonly source: string
  /** Set by PATCH; survives reconcile and reload until reset. */
  readonly override: { readonly weight?: number | undefined; readonly state?: AdminState | undefined }
  /** The URL variant that answered (as given, with `/mcp`, with `/sse`); absent until one has. */
  readonly resolvedUrl?: string | undefined
  /** Grows when the instance is registered anew with another attachment: counters and circuits do not carry over. */
  readonly generation: number
  /**
   * Why it must be neither started nor reached: its row was changed, or written, by somebody else than a gateway. Absent:
   * it is as it was registered. Stays until it is registered anew.
   */
  readonly untrusted?: string | undefined
}

/** How an instance is chosen for a call. The registry only keeps the name. */
export type StrategyName =
  | 'round_robin'
  | 'least_connections'
  | 'weighted'
  | 'health_based'
  | 'random'
  | 'peak_ewma'
  | 'rendezvous'

/** How a template checks the health of its instances. */
export type HealthCheck =
  | { readonly kind: 'mcp' }
  | { readonly kind: 'tool'; readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }
  | { readonly kind: 'http'; readonly path: string; readonly status?: number | undefined }
  | { readonly kind: 'command'; readonly command: string; readonly args: readonly string[] }

/**
 * All settings of a template with nothing left out: defaults filled in, times in milliseconds.
 * The wire form (snake_case, seconds) is what file, API and CLI share; `settings.ts` converts both ways.
 */
export interface TemplateSettings {
  readonly strategy: StrategyName
  readonly healthCheckIntervalMs: number
  readonly healthCheckTimeoutMs: number
  /** Further attempts after the first. */
  readonly maxRetries: number
  readonly maxInFlight: number
  /** The same for stdio instances, where the default is lower; absent: `maxInFlight`. Read it by `instanceMaxInFlight()`. */
  readonly stdioMaxInFlight?: number | undefined
  readonly queueSize: number
  readonly queueTimeoutMs: number
  readonly timeouts: {
    readonly connectMs: number
    /** For lists and reads. */
    readonly firstByteMs: number
    /** For `tools/call`; absent: only the total bounds it. */
    readonly callFirstByteMs?: number | undefined
    readonly idleMs: number
    readonly totalMs: number
  }
  readonly healthCheck: HealthCheck
  readonly failover: {
    readonly trustAnnotations: boolean
    readonly refusalIsBeforeExecution: boolean
    readonly retryReads: boolean
    readonly tools: Readonly<Record<string, 'safe' | 'never'>>
  }
  readonly affinity?:
    | { readonly by: 'header' | 'principal' | 'argument'; readonly name?: string | undefined }
    | undefined
  readonly stdio: {
    readonly poolSize: number
    /** Absent: `shared` for modern servers, `per_principal` for legacy ones. */
    readonly sharing?: 'shared' | 'per_principal' | 'exclusive' | undefined
    readonly idleStopMs: number
  }
  readonly protocol: ProtocolSetting
  /** Which tool calls are audited; what they were called with as a keyed hash, or in clear. */
  readonly audit: 'off' | 'calls' | 'calls_with_arguments'
  readonly alias?: string | undefined
  readonly maxAnswerBytes: number
}

/** A kind of MCP server and its instances in a stable order. Immutable. */
export interface Template {
  readonly name: string
  /** Only what was set, by a file or by PATCH; `effectiveSettings()` fills in the rest. */
  readonly settings: PartialTemplateSettings
  /** What a file says of it; `settings` is this with `override` laid over it. Absent: no file names the template. */
  readonly declared?: DeclaredSettings | undefined
  /** Set by PATCH or at registration; survives a reload of the file until reset. Absent: nothing. */
  readonly override?: PartialTemplateSettings | undefined
  readonly instances: readonly Instance[]
  /** Why a command that checks its health was left out of its settings: somebody else than a gateway has put it there. */
  readonly untrusted?: string | undefined
}

/** Settings that a source (`file:<path>`) declares; only the same source may change or withdraw them. */
export interface DeclaredSettings {
  readonly source: string
  readonly settings: PartialTemplateSettings
}

/** Groups of settings that are set field by field; everything else is set as one value. */
export type SettingsGroup = 'timeouts' | 'failover' | 'stdio'

type PartialGroup<T> = { readonly [P in keyof T]?: T[P] | undefined }

/** What an operator has set of {@link TemplateSettings}; the groups are partial too. */
export type PartialTemplateSettings = {
  readonly [K in Exclude<keyof TemplateSettings, 'stdioMaxInFlight'>]?:
    | (K extends SettingsGroup ? PartialGroup<TemplateSettings[K]> : TemplateSettings[K])
    | undefined
}

/** The whole registry at one version. Immutable; readers keep a reference without a copy. */
export interface RegistryState {
  readonly version: number
  readonly templates: ReadonlyMap<string, Template>
}
