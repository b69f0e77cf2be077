import type { ExchangeOptions, UpstreamSession } from '@mcp-platform/mcp-upstream'
import { scanEnvelope } from '@mcp-platform/mcp-upstream'

/**
 * Tells a legacy server from which level on to log, on a session that one exchange has to itself. A server that refuses
 * logs as it likes: what the caller does not want is left out on its way back.
 */
export async function setUpstreamLevel(
  session: UpstreamSession,
  level: string | undefined,
  { signal, limits }: ExchangeOptions,
): Promise<void> {
  if (level === undefined || session.identity.capabilities['logging'] === undefined) return
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level } }))
  const reply = await session.exchange({ body, envelope: scanEnvelope(body) }, { signal, limits })
  if (reply.kind === 'stream') await reply.pipe({ message: () => undefined })
}
