import type { LocalGateway } from '@mcp-platform/client'
import { CliError, systemCode } from '../errors.js'
import { exitCodes } from '../exit-codes.js'
import { isAlive } from './process-info.js'
import { findRunning } from './running.js'
import { pollFor } from './wait.js'

/** How to stop a gateway. */
export interface StopOptions {
  readonly stateDir: string
  /** Bound of the drain, in milliseconds. */
  readonly timeoutMs: number
  /** Kill it when the time is up. */
  readonly force: boolean
}

/** Stops the gateway of a state folder and resolves when its process has ended. @throws CliError when none runs, or it does not end */
export async function stopGateway({ stateDir, timeoutMs, force }: StopOptions): Promise<LocalGateway> {
  const running = await findRunning(stateDir)
  if (running === undefined) {
    const message = `No gateway runs on the state folder ${stateDir}.`
    throw new CliError('CLI_NOT_RUNNING', message, { exitCode: exitCodes.unreachable, next: 'mcpp gateway start' })
  }
  send(running.pid, 'SIGTERM')
  if (await ended(running.pid, timeoutMs)) return running
  if (!force) throw stillRunning(running.pid, timeoutMs)
  send(running.pid, 'SIGKILL')
  if (await ended(running.pid, KILL_TIMEOUT_MS)) return running
  throw stillRunning(running.pid, timeoutMs)
}

const KILL_TIMEOUT_MS = 5_000

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return
    const message = `The gateway (process ${pid}) belongs to another user.`
    throw new CliError('CLI_NOT_PERMITTED', message, { exitCode: exitCodes.notAllowed, cause: error })
  }
}

async function ended(pid: number, timeoutMs: number): Promise<boolean> {
  return (await pollFor(async () => ((await isAlive(pid)) ? undefined : true), timeoutMs)) ?? false
}

function stillRunning(pid: number, timeoutMs: number): CliError {
  const message = `The gateway (process ${pid}) still finishes its calls after ${timeoutMs / 1_000} s.`
  return new CliError('CLI_STOP_TIMEOUT', message, { next: 'mcpp gateway stop --force' })
}
