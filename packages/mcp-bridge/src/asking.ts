import type { ExchangeOptions, ReplyEnvelope, UpstreamMessage, UpstreamSession } from '@mcp-platform/mcp-upstream'
import { scanEnvelope } from '@mcp-platform/mcp-upstream'
import { type CompleteReply, localError } from './local-reply.js'
import { RPC } from './protocol-error.js'

/** What a server may ask of a client, and the capability that the client must have declared for it. */
const CAPABILITY: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
}

/** Only these may be asked back in the middle (SPEC 2026-07-28 basic/patterns/mrtr). */
const MAY_ASK: ReadonlySet<string | undefined> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** True if a server may ask its client something before it answers this method. */
export function mayAsk(method: string | undefined): boolean {
  return MAY_ASK.has(method)
}

/** Capabilities of a client that can be asked something. */
const ASKING: readonly string[] = Object.values(CAPABILITY)

/** The capability that `method` needs; undefined for what no client can be asked. */
export function capabilityFor(method: string | undefined): string | undefined {
  return method === undefined ? undefined : CAPABILITY[method]
}

/** True if a server may ask this client anything. */
export function canBeAsked(capabilities: Readonly<Record<string, unknown>>): boolean {
  return ASKING.some((name) => name in capabilities)
}

/** The error for a request that needs a capability which its client did not declare; nothing hangs, nothing is guessed. */
export function missingCapability(request: UpstreamMessage, capability: string): CompleteReply {
  const error = {
    code: RPC.missingCapability,
    message: `the server asks its client back, for which the client must declare the capability "${capability}"`,
    data: { requiredCapabilities: { [capability]: {} } },
  }
  return localError(request, error, 400)
}

/** The raw token of the id of a server's request. */
export function askedId(json: Buffer, envelope: ReplyEnvelope): string {
  return envelope.id ? json.toString('utf8', envelope.id.start, envelope.id.end) : 'null'
}

/** Answers a request of the server. `outcome` is the `result` or `error` member as JSON. */
export async function answerServer(
  session: UpstreamSession,
  idToken: string,
  outcome: string,
  options: ExchangeOptions,
): Promise<void> {
  const body = Buffer.from(`{"jsonrpc":"2.0","id":${idToken},${outcome}}`)
  await session.exchange(
    { body, envelope: scanEnvelope(body) },
    // Phases belong to the caller's own message.
    { signal: options.signal, limits: options.limits },
  )
}

export const PONG = '"result":{}'
export const REFUSAL = '"error":{"code":-32601,"message":"the client did not declare the capability to be asked this"}'
