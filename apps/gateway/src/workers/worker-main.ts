// The program of a worker process. It does what its primary tells it, and ends when the primary does.
import { type Handlers, Link, type MessagePort } from './link.js'
import type { PrimaryMethods, WorkerMethods } from './protocol.js'
import { Worker } from './worker.js'

const port: MessagePort = {
  send: (message) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
  },
  onMessage: (listener) => process.on('message', listener),
  onClose: (listener) => process.once('disconnect', listener),
}

const opened = Promise.withResolvers<Worker>()
// A worker that cannot begin says so in its answer.
opened.promise.catch(() => undefined)

const handlers: Handlers<WorkerMethods> = {
  begin: async ({ config, state }) => {
    try {
      const worker = await Worker.open(config, primary, state)
      void worker.lost.then(() => process.exit(1))
      opened.resolve(worker)
    } catch (error) {
      opened.reject(error)
      throw error
    }
  },
  listen: async () => (await opened.promise).listen(),
  registry: async (changes) => (await opened.promise).change(changes),
  identity: async (copy) => (await opened.promise).takeIdentity(copy),
  identityHolds: async ({ nodes }) => (await opened.promise).confirmIdentity(nodes),
  homes: async (homes) => (await opened.promise).setHomes(homes),
  peers: async (peers) => (await opened.promise).setPeers(peers),
  status: async (instance) => (await opened.promise).refresh(instance),
  cut: async (instance) => (await opened.promise).cut(instance),
  forget: async (instance) => (await opened.promise).forget(instance),
  count: async () => (await opened.promise).count(),
  drain: async ({ graceMs }) => (await opened.promise).drain(graceMs),
  hurry: async () => (await opened.promise).hurry(),
  exit: () => process.exit(0),
}

const primary = new Link<PrimaryMethods, WorkerMethods>(port, handlers)

// A terminal sends its signals to the whole group: when to stop is the primary's to say.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
process.once('disconnect', () => process.exit(0))
