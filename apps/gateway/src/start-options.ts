import type { LogSink } from './log/logger.js'

/** What `startGateway` is given; all of it is optional. */
export interface StartOptions {
  /** Settings by name, as `health-interval` or `healthInterval`. */
  readonly flags?: Readonly<Record<string, unknown>> | undefined
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** JSON or YAML. @default `MCP_GATEWAY_CONFIG`, else none */
  readonly configFile?: string | undefined
  /** Stops the gateway, as `close()` does. */
  readonly signal?: AbortSignal | undefined
  /** Takes the log lines (JSON). @default the standard error stream */
  readonly logSink?: LogSink | undefined
}

/** A gateway that runs. */
export interface StartedGateway {
  /** Where it answers on this machine. */
  readonly url: string
  readonly docsUrl: string
  /** Management, when it has a listener of its own; else the same as `url`. */
  readonly adminUrl: string
  readonly stateDir: string
  /** Holds the credential for changes; mode 0600. */
  readonly adminTokenFile: string
  readonly authEnabled: boolean
  /** What the operator should know; one sentence each. */
  readonly warnings: readonly string[]
  /** Drains and stops; a second call skips ahead. Resolves when everything is released. */
  close(): Promise<void>
  /** Resolves when the gateway has stopped, for whatever reason. */
  readonly closed: Promise<void>
}
