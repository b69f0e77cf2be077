import { afterAll, describe, it } from '@jest/globals'
import type { Availability } from '@mcp-platform/test-kit/databases'

/** Defines tests on a real server, which ends after them; where this machine has none, they are skipped and the reason is shown. */
export async function onServer<S extends { stop(): Promise<void> }>(
  name: string,
  start: () => Promise<Availability<S>>,
  define: (server: S) => void,
): Promise<void> {
  const { database: server, reason } = await start()
  if (server === undefined) {
    describe.skip(`${name}: ${reason}`, () => {
      it('is not run', () => undefined)
    })
    return
  }
  afterAll(() => server.stop())
  define(server)
}
