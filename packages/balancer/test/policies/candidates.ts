import type { Candidate } from '../../src/index.js'

/** A candidate without load, but for what is given. */
export function candidate(id: string, facts: Partial<Candidate> = {}): Candidate {
  return {
    endpoint: { id },
    ordinal: id.charCodeAt(0),
    idHash: id.charCodeAt(0) * 2_654_435_761,
    weight: 1,
    share: 1,
    inFlight: 0,
    latency: 1,
    peakLatencyMs: 0,
    errorRatio: 0,
    penalty: 1,
    coolingDown: false,
    ...facts,
  }
}
