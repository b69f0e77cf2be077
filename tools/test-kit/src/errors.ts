/** A peer did not become ready, or a condition did not become true, in time. */
export class TestKitTimeoutError extends Error {
  readonly code = 'TEST_KIT_TIMEOUT'
  readonly timeoutMs: number

  constructor(what: string, timeoutMs: number, cause?: unknown) {
    super(`${what} within ${timeoutMs} ms`, { cause })
    this.name = 'TestKitTimeoutError'
    this.timeoutMs = timeoutMs
  }
}

/** A peer's process ended before it was ready. */
export class PeerStartError extends Error {
  readonly code = 'TEST_KIT_PEER_START'
  /** The last kilobytes that it wrote to stdout and stderr. */
  readonly output: string

  constructor(name: string, why: string, output: string) {
    super(`${name} ${why}: ${output.trim().slice(-2000) || '(no output)'}`)
    this.name = 'PeerStartError'
    this.output = output
  }
}

/** All codes of this package. */
export type TestKitErrorCode = TestKitTimeoutError['code'] | PeerStartError['code']
