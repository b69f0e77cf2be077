import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import type { LocalGateway } from '@mcp-platform/client'
import { CliError } from '../errors.js'
import { type LaunchRecord, writeLaunch } from './launch-record.js'
import { logPath, openLog, readTail } from './log-file.js'
import { answers, findRunning } from './running.js'
import { pollFor } from './wait.js'

/** How long a gateway may take until it answers, in milliseconds. */
const READY_TIMEOUT_MS = 30_000
/** How long one that did not get ready may take to end, in milliseconds. */
const END_TIMEOUT_MS = 5_000
const SHOWN_LINES = 10

/** Where and how to start a background gateway. */
export interface BackgroundOptions extends LaunchRecord {
  readonly stateDir: string
  /** `bin/run.js` of this program. */
  readonly program: string
}

/**
 * Starts a gateway that outlives this process and resolves when it answers.
 * @throws CliError when one runs already, when it ends before it is ready, or after 30 s (it is ended then)
 */
export async function startInBackground(options: BackgroundOptions): Promise<LocalGateway> {
  const { stateDir } = options
  await refuseSecond(stateDir)
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const log = await openLog(stateDir)
  const child = launch(options, log.handle.fd)
  try {
    const running = await pollFor(() => readyOrEnded(child, stateDir), READY_TIMEOUT_MS)
    if (running === 'ended' || running === undefined) throw await failure(running, { stateDir, offset: log.offset })
    await writeLaunch(stateDir, { args: options.args, cwd: options.cwd })
    return running
  } catch (error) {
    await end(child)
    throw error
  } finally {
    child.unref()
    await log.handle.close()
  }
}

async function refuseSecond(stateDir: string): Promise<void> {
  const running = await findRunning(stateDir)
  if (running === undefined) return
  const message = `A gateway (process ${running.pid}) already runs at ${running.url} on the state folder ${stateDir}.`
  throw new CliError('CLI_ALREADY_RUNNING', message, { next: 'mcpp gateway stop' })
}

function launch({ program, args, cwd }: BackgroundOptions, log: number): ChildProcess {
  return spawn(process.execPath, [program, 'gateway', 'start', ...args], {
    cwd,
    detached: true,
    stdio: ['ignore', log, log],
  })
}

// One that does not get ready may not end when it is asked to, either.
async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  const ended = await pollFor(async () => (hasEnded(child) ? true : undefined), END_TIMEOUT_MS)
  if (ended === undefined) child.kill('SIGKILL')
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function readyOrEnded(child: ChildProcess, stateDir: string): Promise<LocalGateway | 'ended' | undefined> {
  if (hasEnded(child)) return 'ended'
  const running = await findRunning(stateDir)
  if (running?.pid !== child.pid) return undefined
  return running !== undefined && (await answers(running)) ? running : undefined
}

async function failure(
  outcome: 'ended' | undefined,
  { stateDir, offset }: { readonly stateDir: string; readonly offset: number },
): Promise<CliError> {
  const path = logPath(stateDir)
  const { text } = await readTail(path, { lines: SHOWN_LINES, offset })
  const said = text === '' ? '' : `\n${text}`
  const next = 'mcpp gateway logs'
  if (outcome === 'ended')
    return new CliError('CLI_START_FAILED', `The gateway did not start; its log says:${said}`, { next })
  const seconds = READY_TIMEOUT_MS / 1_000
  return new CliError('CLI_START_TIMEOUT', `The gateway did not answer within ${seconds} s; its log says:${said}`, {
    next,
  })
}
