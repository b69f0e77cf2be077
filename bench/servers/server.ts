import { type Launched, launch } from '@mcp-platform/test-kit'
import { pinned } from '../measure/pinning.ts'

/** A server that takes part in a run. */
export interface BenchServer {
  readonly url: string
  /** Of the process whose family's CPU counts; absent for a server that somebody else runs and gave no pid for. */
  readonly pid?: number | undefined
  stop(): Promise<void>
}

/** A script of ours that prints `listening on URL`. */
export async function startScript(
  name: string,
  script: string,
  args: readonly string[],
  core?: number,
): Promise<BenchServer> {
  const [command, commandArgs] = pinned(core, process.execPath, [script, ...args])
  const launched = await launch({ name, command, args: commandArgs, isReady: (line) => line.includes('listening on') })
  const url = /listening on (\S+)/.exec(launched.output())?.[1]
  if (url === undefined) throw new TypeError(`bench: ${name} did not say where it listens`)
  return asServer(launched, url)
}

/** A launched process as a server. */
export function asServer(launched: Launched, url: string): BenchServer {
  return { url, pid: launched.pid, stop: () => launched.stop() }
}
