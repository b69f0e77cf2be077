import { ProbeAbortedError, ProbeTimeoutError } from './errors.js'
import { LagMeter } from './lag-meter.js'
import { describeError, type Probe, type ProbeResult } from './probe.js'
import type { Scheduler } from './scheduler.js'
import { Slots } from './slots.js'
import type { Target } from './target.js'
import { atMost } from './waiting.js'

/** How one run of a probe ended. */
export type ProbeOutcome = ProbeResult & {
  readonly latencyMs: number
  /** For how long our own event loop stood still meanwhile. */
  readonly stalledMs: number
}

/** How long `close` waits for probes that were told to stop. */
const CLOSE_GRACE_MS = 2_000

const STUCK: ProbeResult = { verdict: 'unfit', reason: 'the previous probe has not ended though it was aborted' }

/** Runs probes: bounded in number and time, never two of one target at once, and never rejecting. */
export class Prober<T extends Target> {
  readonly #probe: Probe<T>
  readonly #timeoutMs: number
  readonly #scheduler: Scheduler
  readonly #lag: LagMeter
  readonly #slots: Slots
  /** Probe calls that have not settled, by target id. One outlives its timeout if the probe ignores the signal. */
  readonly #unsettled = new Map<string, Promise<unknown>>()

  constructor(options: { probe: Probe<T>; timeoutMs: number; maxConcurrentProbes: number; scheduler: Scheduler }) {
    this.#probe = options.probe
    this.#timeoutMs = options.timeoutMs
    this.#scheduler = options.scheduler
    this.#lag = new LagMeter(options.scheduler)
    this.#slots = new Slots(options.maxConcurrentProbes)
  }

  /** Probes once. Undefined: the signal aborted first, so nothing was learnt. */
  async run(target: T, options: { signal: AbortSignal; urgent: boolean }): Promise<ProbeOutcome | undefined> {
    if (!(await this.#slots.acquire(options.signal, options.urgent))) return undefined
    if (options.signal.aborted) {
      this.#slots.release()
      return undefined
    }
    const endMeasure = this.#lag.measure()
    const startedMs = this.#scheduler.now()
    const result = await this.#attempt(target, options.signal)
    const outcome = { ...result, latencyMs: this.#scheduler.now() - startedMs, stalledMs: endMeasure() }
    this.#slots.release()
    return options.signal.aborted ? undefined : outcome
  }

  /** Waits, at most two seconds, until the probes that were told to stop have stopped. */
  async close(): Promise<void> {
    await atMost(Promise.all(this.#unsettled.values()), CLOSE_GRACE_MS, this.#scheduler)
  }

  async #attempt(target: T, given: AbortSignal): Promise<ProbeResult> {
    const abort = new AbortController()
    const giveUp = () => abort.abort(new ProbeAbortedError())
    const onTimeout = () => abort.abort(new ProbeTimeoutError(this.#timeoutMs))
    const cancelTimer = this.#scheduler.after(this.#timeoutMs, onTimeout)
    given.addEventListener('abort', giveUp, { once: true })
    try {
      if (!(await this.#previousEnded(target.id, abort.signal))) return STUCK
      return (await Promise.race([this.#call(target, abort.signal), rejectionOf(abort.signal)])) ?? { verdict: 'fit' }
    } catch (error) {
      return { verdict: 'unfit', reason: describeError(error) }
    } finally {
      cancelTimer()
      given.removeEventListener('abort', giveUp)
    }
  }

  async #previousEnded(id: string, signal: AbortSignal): Promise<boolean> {
    const previous = this.#unsettled.get(id)
    if (previous === undefined) return true
    return await Promise.race([previous.then(() => true), rejectionOf(signal).catch(() => false)])
  }

  #call(target: T, signal: AbortSignal): ReturnType<Probe<T>> {
    // A probe that throws before its first await counts like one that rejects.
    const call = (async () => await this.#probe(target, signal))()
    const settled = call.then(forget, forget).then(() => {
      if (this.#unsettled.get(target.id) === settled) this.#unsettled.delete(target.id)
    })
    this.#unsettled.set(target.id, settled)
    return call
  }
}

/** Here only the end matters; the result went to whoever raced for it. */
function forget(): void {}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
