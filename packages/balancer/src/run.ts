import type { Endpoint } from './endpoint.js'
import type { Lease } from './lease.js'
import type { RunOptions } from './options.js'
import type { Outcome, Report } from './report.js'

type Settled<T> = { readonly ok: true; readonly result: T } | { readonly ok: false; readonly error: unknown }

/** Runs one call on a leased endpoint and releases the lease by how it ended. */
export async function runOn<E extends Endpoint, T>(
  lease: Lease<E>,
  call: (endpoint: E) => T | Promise<T>,
  options: RunOptions<T> & { readonly now: () => number },
): Promise<T> {
  const startedAtMs = options.now()
  const settled = await settle(call, lease.endpoint)
  const latencyMs = options.now() - startedAtMs
  // If classify throws, that is its author's mistake and not the endpoint's.
  let report: Report = { outcome: 'cancelled' }
  try {
    report = { latencyMs, kind: options.kind, ...judge(settled, options) }
  } finally {
    lease.release(report)
  }
  if (settled.ok) return settled.result
  throw settled.error
}

async function settle<E, T>(call: (endpoint: E) => T | Promise<T>, endpoint: E): Promise<Settled<T>> {
  try {
    return { ok: true, result: await call(endpoint) }
  } catch (error) {
    return { ok: false, error }
  }
}

function judge<T>(settled: Settled<T>, { classify, signal }: RunOptions<T>): Report {
  if (!settled.ok) return { outcome: signal?.aborted ? 'cancelled' : 'failure' }
  return asReport(classify?.(settled.result) ?? 'success')
}

function asReport(judged: Outcome | Report): Report {
  return typeof judged === 'string' ? { outcome: judged } : judged
}
