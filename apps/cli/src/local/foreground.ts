import { type StartedGateway, startGateway } from '@mcp-platform/gateway'
import { CliError } from '../errors.js'
import type { Started } from '../output/started.js'
import type { SettingsSources } from './gateway-settings.js'

/** How to run a gateway in this process. */
export interface ForegroundOptions {
  readonly sources: SettingsSources
  readonly onStarted: (started: Started) => void
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

const NEXT: Readonly<Record<string, string>> = {
  GATEWAY_CONFIG_INVALID: 'mcpp gateway config',
  ADDRESS_IN_USE: 'mcpp gateway start --port 0',
  ALREADY_RUNNING: 'mcpp gateway stop',
}

/**
 * Starts a gateway and resolves when it has ended. The first signal ends it gracefully; a second one skips every wait
 * (or ends a start that hangs), a third one ends the process.
 * @throws CliError with one clear sentence when it cannot start
 */
export async function runGateway({ sources, onStarted }: ForegroundOptions): Promise<void> {
  const { flags, env, configFile } = sources
  const interrupt = new AbortController()
  let gateway: StartedGateway | undefined
  const release = onSignals([() => interrupt.abort(), () => gateway?.close() ?? process.exit(1)])
  try {
    gateway = await startGateway({ flags, env, configFile, signal: interrupt.signal }).catch((error: unknown) => {
      throw startError(error)
    })
    onStarted(gateway)
    await gateway.closed
  } finally {
    release()
  }
}

/** Calls one step for each signal; when there is none left the process ends. */
function onSignals(steps: readonly (() => unknown)[]): () => void {
  const left = [...steps]
  const listener = (): void => {
    const step = left.shift()
    if (step === undefined) process.exit(1)
    else step()
  }
  for (const signal of SIGNALS) process.on(signal, listener)
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener)
  }
}

function startError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error
  return new CliError(error.code, error.message, { next: NEXT[error.code], cause: error })
}
