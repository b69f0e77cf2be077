import cluster, { type Worker as ClusterWorker } from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { type Handlers, Link, type MessagePort } from './link.js'
import type { PrimaryMethods, WorkerMethods } from './protocol.js'

const PROGRAM = fileURLToPath(new URL('./worker-main.js', import.meta.url))

/** How a worker ended. */
export interface WorkerExit {
  readonly exitCode: number | null
  readonly signal: string | null
}

/** One worker, seen from the primary. */
export class WorkerProcess {
  /** Sealed into the ids of its sessions; no other process ever has the same. */
  readonly home: string
  readonly link: Link<WorkerMethods, PrimaryMethods>
  readonly exited: Promise<WorkerExit>
  readonly startedAtMs: number
  /** It was told what it needs, and must hear of every change from then on. */
  begun = false
  serving = false
  readonly #worker: ClusterWorker

  constructor(home: string, handlers: Handlers<PrimaryMethods>) {
    this.home = home
    this.startedAtMs = performance.now()
    cluster.setupPrimary({
      exec: PROGRAM,
      args: [],
      // Dates and bytes survive; JSON would lose them.
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const worker = cluster.fork()
    this.#worker = worker
    this.link = new Link(portOf(worker), handlers)
    this.exited = new Promise((resolve) => {
      worker.once('exit', (exitCode: number | null, signal: string | null) => resolve({ exitCode, signal }))
      // It could not be started at all: there will be no exit.
      worker.once('error', () => resolve({ exitCode: null, signal: null }))
    })
  }

  get pid(): number {
    return this.#worker.process.pid ?? 0
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL')
  }
}

function portOf(worker: ClusterWorker): MessagePort {
  return {
    send: (message) => {
      // A message to a worker that is just going is lost with it; its exit is what everybody hears of.
      if (worker.isConnected()) worker.send(message, () => undefined)
    },
    onMessage: (listener) => worker.on('message', listener),
    onClose: (listener) => worker.once('disconnect', listener).once('exit', listener),
  }
}
