import type { Clock } from './clock.js'
import type { StoredCircuit } from './store.js'
import type { TargetHealth } from './target-health.js'

/** Writes a circuit down as a store keeps it. */
export function storedCircuit(target: TargetHealth, group: string, clock: Clock): StoredCircuit {
  const { circuit, generation } = target
  return {
    group,
    id: target.id,
    ...(generation === undefined ? {} : { generation }),
    state: circuit.state.state,
    ...(circuit.state.state === 'open' ? { openUntil: clock.toDate(circuit.state.untilMs) } : {}),
    opens: circuit.opens(clock.nowMs()),
    since: clock.toDate(circuit.sinceMs),
  }
}
