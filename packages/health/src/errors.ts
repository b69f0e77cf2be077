/** Every code that an error of this package can carry. */
export type HealthErrorCode =
  | 'HEALTH_DUPLICATE_TARGET'
  | 'HEALTH_UNKNOWN_TARGET'
  | 'HEALTH_MONITOR_CLOSED'
  | 'HEALTH_PROBE_TIMEOUT'
  | 'HEALTH_PROBE_ABORTED'
  | 'HEALTH_COMMAND_FAILED'

/** Two targets of one set have the same id. Nothing of the set was taken over. */
export class DuplicateTargetError extends Error {
  override readonly name = 'DuplicateTargetError'
  readonly code = 'HEALTH_DUPLICATE_TARGET'
  readonly id: string

  constructor(id: string) {
    super(`health: two targets have the id "${id}"`)
    this.id = id
  }
}

/** The monitor watches no target of this id. */
export class UnknownTargetError extends Error {
  override readonly name = 'UnknownTargetError'
  readonly code = 'HEALTH_UNKNOWN_TARGET'
  readonly id: string

  constructor(id: string) {
    super(`health: no target has the id "${id}"`)
    this.id = id
  }
}

/** The monitor was closed; make a new one. */
export class MonitorClosedError extends Error {
  override readonly name = 'MonitorClosedError'
  readonly code = 'HEALTH_MONITOR_CLOSED'

  constructor() {
    super('health: the monitor is closed')
  }
}

/** A probe did not answer in time. It is the reason of the signal that the probe was given. */
export class ProbeTimeoutError extends Error {
  override readonly name = 'ProbeTimeoutError'
  readonly code = 'HEALTH_PROBE_TIMEOUT'
  readonly timeoutMs: number

  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`)
    this.timeoutMs = timeoutMs
  }
}

/** A probe was given up because its target was removed or the monitor closed. It says nothing about the target. */
export class ProbeAbortedError extends Error {
  override readonly name = 'ProbeAbortedError'
  readonly code = 'HEALTH_PROBE_ABORTED'

  constructor() {
    super('the probe was given up: its target was removed or the monitor was closed')
  }
}

/** The command of a `commandProbe` ended with another exit code than 0, or by a signal. */
export class CommandFailedError extends Error {
  override readonly name = 'CommandFailedError'
  readonly code = 'HEALTH_COMMAND_FAILED'
  readonly exitCode: number | null
  readonly signal: string | null

  constructor(end: { exitCode: number | null; signal: string | null; lastLine: string }) {
    const how = end.signal === null ? `exit code ${end.exitCode}` : `signal ${end.signal}`
    super(`the command ended with ${how}${end.lastLine === '' ? '' : `: ${end.lastLine}`}`)
    this.exitCode = end.exitCode
    this.signal = end.signal
  }
}
