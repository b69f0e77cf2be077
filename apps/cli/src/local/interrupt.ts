/** A signal that aborts when the user presses Ctrl-C; dispose of it to let Ctrl-C end the process again. */
export interface Interrupt extends Disposable {
  readonly signal: AbortSignal
}

/** For commands that go on until they are interrupted: that is their normal end, exit code 0. */
export function interruptSignal(): Interrupt {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  process.once('SIGINT', abort)
  process.once('SIGTERM', abort)
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      process.off('SIGINT', abort)
      process.off('SIGTERM', abort)
    },
  }
}
