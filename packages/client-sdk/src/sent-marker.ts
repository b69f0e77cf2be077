import type { Dispatcher } from 'undici'

/**
 * Calls `onSent` when a request begins to be written to a connection. Failures before that point (refused, unknown host,
 * TLS) have certainly sent nothing: that is the difference between "did not run" and "may have run".
 */
export function markSent(dispatcher: Dispatcher, onSent: () => void): Dispatcher {
  return dispatcher.compose((dispatch) => (options, handler) => dispatch(options, new SentMarker(handler, onSent)))
}

class SentMarker implements Dispatcher.DispatchHandler {
  readonly #inner: Dispatcher.DispatchHandler
  readonly #onSent: () => void

  constructor(inner: Dispatcher.DispatchHandler, onSent: () => void) {
    this.#inner = inner
    this.#onSent = onSent
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#onSent()
    this.#inner.onRequestStart?.(controller, context)
  }

  onResponseStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    this.#inner.onResponseStart?.(...args)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#inner.onResponseData?.(controller, chunk)
  }

  onResponseEnd(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#inner.onResponseEnd?.(...args)
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#inner.onResponseError?.(controller, error)
  }
}
