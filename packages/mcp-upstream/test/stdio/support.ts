import { join } from 'node:path'
import {
  type ExchangeLimits,
  type ExchangeOptions,
  type MessageSink,
  type Phase,
  type SessionInit,
  StdioConnection,
  type StdioConnectionOptions,
  scanEnvelope,
  type Upstream,
  type UpstreamEvent,
  type UpstreamMessage,
  type UpstreamReply,
} from '../../src/index.js'

export const LIMITS: ExchangeLimits = { connectMs: 60_000, idleMs: 60_000, maxAnswerBytes: 32 * 1024 * 1024 }
export const PLAIN: SessionInit = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '0' },
}
export const ASKABLE: SessionInit = { ...PLAIN, capabilities: { elicitation: {} } }

export function fixture(name: string): string {
  return join(import.meta.dirname, 'fixtures', name)
}

/** A connection to the fault server, with the events it reported and a clean end for `await using`. */
export class Faulty extends StdioConnection implements AsyncDisposable {
  readonly events: UpstreamEvent[]

  constructor(flags: readonly string[] = [], options: Partial<StdioConnectionOptions> = {}) {
    const events: UpstreamEvent[] = []
    super({
      command: process.execPath,
      args: [fixture('fault-server.mjs'), ...flags],
      clientInfo: { name: 'test', version: '0' },
      protocol: flags.includes('--modern') ? 'modern' : 'legacy',
      stopGrace: { stdinEndMs: 300, termMs: 300 },
      onEvent: (event) => events.push(event),
      ...options,
    })
    this.events = events
  }

  ofType<T extends UpstreamEvent['type']>(type: T): Extract<UpstreamEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<UpstreamEvent, { type: T }> => event.type === type)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

export function within(overrides: Partial<ExchangeOptions> = {}): ExchangeOptions {
  return { signal: new AbortController().signal, limits: LIMITS, ...overrides }
}

/** Collects the phases of an exchange. */
export function phases(): { readonly seen: Phase[]; onPhase(phase: Phase): void } {
  const seen: Phase[] = []
  return { seen, onPhase: (phase) => seen.push(phase) }
}

export function message(value: Readonly<Record<string, unknown>>): UpstreamMessage {
  return raw(JSON.stringify({ jsonrpc: '2.0', ...value }))
}

export function raw(text: string): UpstreamMessage {
  const body = Buffer.from(text)
  return { body, envelope: scanEnvelope(body) }
}

export function toolCall(
  id: number | string,
  name: string,
  args: Readonly<Record<string, unknown>> = {},
): UpstreamMessage {
  return message({ id, method: 'tools/call', params: { name, arguments: args } })
}

export async function call(
  upstream: Upstream,
  request: UpstreamMessage,
  options: ExchangeOptions = within(),
): Promise<{
  readonly id: unknown
  readonly result: Record<string, unknown>
  readonly error: { readonly code: number }
}> {
  return parsed(await upstream.exchange(request, options))
}

export function parsed(reply: UpstreamReply): Awaited<ReturnType<typeof call>> {
  if (reply.kind !== 'complete') throw new Error(`expected a complete reply, got ${reply.kind}`)
  return JSON.parse(reply.json.toString())
}

/** Reads a stream to its end, or a complete reply as its only message. */
export async function readAll(reply: UpstreamReply): Promise<Record<string, unknown>[]> {
  const sink = collector()
  if (reply.kind === 'stream') await reply.pipe(sink)
  if (reply.kind === 'complete') await sink.message(reply.json)
  return sink.messages
}

export function collector(): MessageSink & {
  readonly messages: Record<string, unknown>[]
  message(json: Buffer): void
} {
  const messages: Record<string, unknown>[] = []
  return { messages, message: (json: Buffer) => void messages.push(JSON.parse(json.toString())) }
}

/** The error that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Record<string, unknown> & Error> {
  try {
    await promise
  } catch (error) {
    return error as Record<string, unknown> & Error
  }
  throw new Error('expected a rejection')
}
