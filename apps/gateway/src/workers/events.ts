import type { LogLine } from '../log/log-line.js'

/** What happens to the worker processes. */
export type FleetEvent =
  | { readonly type: 'worker-serves'; readonly worker: string; readonly workerPid: number }
  | {
      readonly type: 'worker-exited'
      readonly worker: string
      readonly workerPid: number
      readonly exitCode: number | null
      readonly signal: string | null
      /** Time until another one is started in its place, in milliseconds. */
      readonly replacedInMs: number
    }
  | { readonly type: 'worker-failed'; readonly worker: string; readonly error: unknown }

/** The log line of an event. */
export function describeFleet(event: FleetEvent): LogLine {
  const { type, ...facts } = event
  switch (type) {
    case 'worker-serves':
      return { level: 'info', message: 'worker is serving', facts }
    case 'worker-exited':
      return { level: 'error', message: 'worker ended unexpectedly and is replaced', facts }
    case 'worker-failed': {
      const { worker, error } = event as FleetEvent & { type: 'worker-failed' }
      return { level: 'error', message: 'worker could not begin to serve', facts: { worker, err: error } }
    }
  }
}
