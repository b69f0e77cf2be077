import type { Probe } from '../probe.js'

/** How an HTTP probe asks and which answers it accepts. */
export interface HttpProbeOptions {
  /** Resolved against the target's url: `/healthz` replaces its path, `healthz` is relative to it. @default the url itself */
  readonly path?: string | undefined
  /** The status, or statuses, of a fit target. @default any of 200..299 */
  readonly status?: number | readonly number[] | undefined
  /** Sent with each probe. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** @default 'GET' */
  readonly method?: 'GET' | 'HEAD' | undefined
  /** @default the global fetch */
  readonly fetch?: typeof globalThis.fetch | undefined
}

/**
 * Probes by one HTTP request: the status decides, the body is not read, redirects are not followed (where they lead is another
 * service). 401 and 403 are held as `unauthenticated` unless they are accepted statuses; every other status is unfit.
 */
export function httpProbe(options: HttpProbeOptions = {}): Probe<{ readonly url: string | URL }> {
  const accepts = statusCheck(options.status)
  return async (target, signal) => {
    const request = options.fetch ?? globalThis.fetch
    const response = await request(new URL(options.path ?? '', target.url), {
      method: options.method ?? 'GET',
      headers: { ...options.headers },
      redirect: 'manual',
      signal,
    })
    await response.body?.cancel()
    if (accepts(response.status)) return { verdict: 'fit' }
    if (response.status === 401 || response.status === 403) return { verdict: 'held', reason: 'unauthenticated' }
    return { verdict: 'unfit', reason: `HTTP ${response.status}` }
  }
}

function statusCheck(status: number | readonly number[] | undefined): (status: number) => boolean {
  if (status === undefined) return (actual) => actual >= 200 && actual <= 299
  const accepted: readonly number[] = typeof status === 'number' ? [status] : status
  return (actual) => accepted.includes(actual)
}
