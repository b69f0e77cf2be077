import { expect, it } from '@jest/globals'
import { type Connection, UpstreamUntrustedError } from '../../src/index.js'
import { failureOf, toolCall, within } from '../stdio/support.js'
import { lend } from './support.js'

/** One that its owner must not use. */
function refused(): Connection {
  const refuse = (): Promise<never> => Promise.reject(new UpstreamUntrustedError({ reason: 'it was changed' }))
  return {
    identity: undefined,
    identify: refuse,
    forget: () => undefined,
    modern: { era: 'modern', exchange: refuse },
    openSession: refuse,
    leaseSession: refuse,
    close: () => Promise.resolve(),
  }
}

it('a borrower hears by a code of its own that the connection is not trusted', async () => {
  await using loan = await lend(refused())
  for (const asked of [
    loan.borrowed.identify(within()),
    loan.borrowed.modern.exchange(toolCall(1, 'echo'), within()),
  ]) {
    const failure = await failureOf(asked)
    expect(failure).toBeInstanceOf(UpstreamUntrustedError)
    expect(failure).toMatchObject({ code: 'UPSTREAM_UNTRUSTED', reason: 'it was changed', sent: false })
  }
})
