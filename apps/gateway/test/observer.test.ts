import { describe, expect, it } from '@jest/globals'
import type { GatewayEvent } from '@mcp-platform/gateway-core'
import type { CircuitChange, CircuitStore, StoredCircuit } from '@mcp-platform/health'
import { EventHub } from '../src/events/hub.js'
import { createLog } from '../src/log/logger.js'
import { Observer } from '../src/observer.js'
import { CircuitSaver } from '../src/registry/circuit-saver.js'

class MemoryCircuits implements CircuitStore {
  readonly saved: CircuitChange[][] = []
  failures = 0

  load(): Promise<readonly StoredCircuit[]> {
    return Promise.resolve([])
  }

  async save(changes: readonly CircuitChange[]): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1
      throw new Error('the database is away')
    }
    this.saved.push([...changes])
  }
}

const at = new Date('2026-01-01T00:00:00.000Z')

function circuit(to: StoredCircuit['state'], id = 'a'): GatewayEvent & { type: 'health' } {
  const stored: StoredCircuit = { group: 't', id, state: to, opens: 1, since: at }
  return {
    type: 'health',
    template: 't',
    event: { type: 'circuit', group: 't', id, from: 'closed', to, cause: 'consecutive-failures', circuit: stored },
  }
}

function observer(level: string) {
  const lines: string[] = []
  const store = new MemoryCircuits()
  const errors: unknown[] = []
  const saver = new CircuitSaver(store, (error) => errors.push(error))
  const hub = new EventHub()
  const { log } = createLog({ level, format: 'json', sink: { write: (line) => void lines.push(line) } })
  return { lines, store, saver, hub, errors, observe: new Observer(log, hub, saver) }
}

const call: GatewayEvent = {
  type: 'call',
  requestId: 'r',
  face: 'rest',
  principal: 'anonymous',
  template: 't',
  method: 'tools/call',
  name: 'echo',
  instanceId: 'a',
  attempts: 1,
  durationMs: 3,
  upstreamMs: 2,
  outcome: 'ok',
}

describe('the observer', () => {
  it('writes no line per request at the default level, and all facts of it at debug', () => {
    const quiet = observer('info')
    quiet.observe.gateway(call)
    expect(quiet.lines).toEqual([])
    const loud = observer('debug')
    loud.observe.gateway(call)
    expect(JSON.parse(loud.lines[0] ?? '')).toMatchObject({
      level: 20,
      msg: 'call answered',
      requestId: 'r',
      template: 't',
      instanceId: 'a',
      attempts: 1,
    })
  })

  it('warns of attempts that failed and of ejections', () => {
    const { observe, lines } = observer('info')
    observe.gateway({
      type: 'attempt-failed',
      requestId: 'r',
      template: 't',
      instanceId: 'a',
      attempt: 1,
      code: 'UPSTREAM_CONNECT_FAILED',
      message: 'refused',
      sent: false,
      next: 'another-instance',
    })
    observe.gateway(circuit('open'))
    expect(lines.map((line) => JSON.parse(line)).map(({ level, msg }) => [level, msg])).toEqual([
      [40, 'attempt failed, trying another instance'],
      [40, 'circuit of a is open'],
    ])
  })

  it('saves the last state of each circuit, again when the database was away', async () => {
    const { observe, saver, store, errors } = observer('silent')
    store.failures = 1
    observe.gateway(circuit('open'))
    await saver.close()
    expect([store.saved.length, errors.length]).toEqual([0, 1])
    observe.gateway(circuit('half-open'))
    observe.gateway(circuit('open', 'b'))
    observe.gateway({ type: 'health', template: 't', event: { type: 'removed', group: 't', id: 'b' } })
    await saver.close()
    expect(store.saved).toMatchObject([
      [
        { kind: 'set', circuit: { id: 'a', state: 'half-open' } },
        { kind: 'forget', id: 'b' },
      ],
    ])
  })
})

describe('the event hub', () => {
  it('drops what a slow reader cannot take, and tells it how much', async () => {
    const hub = new EventHub({ now: () => at })
    const reading = hub.read(new AbortController().signal, () => true)
    for (let version = 0; version < 1_003; version += 1) {
      hub.publish({ type: 'registry_changed', at: '', version, action: 'x', actor: 'y', templates: [] })
    }
    hub.close()
    const seen = []
    for await (const event of reading) seen.push(event)
    expect(seen).toHaveLength(1_001)
    expect(seen.at(-1)).toEqual({ type: 'events_missed', at: at.toISOString(), count: 3 })
  })
})
