import type { HealthEvent } from './events.js'

/** Wraps a listener so that what it throws surfaces as an uncaught error and never stops the monitor half-way. */
export function makeEmitter(onEvent: ((event: HealthEvent) => void) | undefined): (event: HealthEvent) => void {
  if (onEvent === undefined) return () => undefined
  return (event) => {
    try {
      onEvent(event)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
