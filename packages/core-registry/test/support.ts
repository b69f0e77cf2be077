import {
  MemoryRegistryStore,
  Registry,
  type RegistryEvent,
  type RegistryOptions,
  ValidationError,
} from '../src/index.js'

export const by = { actor: 'user:anna', requestId: 'r-1', address: '127.0.0.1' }

export interface Harness {
  readonly registry: Registry
  readonly store: MemoryRegistryStore
  readonly events: RegistryEvent[]
}

export function makeRegistry(options: Partial<RegistryOptions> = {}): Harness {
  const store = new MemoryRegistryStore()
  const events: RegistryEvent[] = []
  let clock = 1_000
  const now = () => ++clock
  const registry = new Registry({ store, now, onEvent: (event) => events.push(event), ...options })
  return { registry, store, events }
}

export function body(template: string, instance: Record<string, unknown>): Record<string, unknown> {
  return { template_name: template, instance }
}

export const http = (port: number, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  endpoint: `http://127.0.0.1:${port}`,
  ...more,
})

/** The faults of a rejected input as `path: message` lines. */
export async function faultsOf(work: () => unknown): Promise<string[]> {
  try {
    await work()
  } catch (error) {
    if (error instanceof ValidationError) return error.errors.map((fault) => `${fault.path}: ${fault.message}`)
    throw error
  }
  return []
}
