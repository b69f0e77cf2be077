import type {
  ExchangeOptions,
  MessageSink,
  ResultEnvelope,
  ServerIdentity,
  UpstreamMessage,
  UpstreamReply,
} from '@mcp-platform/mcp-upstream'
import { scanEnvelope } from '@mcp-platform/mcp-upstream'
import type { LegacyCaller } from '../caller.js'
import type { ClientSession } from '../client-session.js'
import { readHello } from '../hello.js'
import { initializeResult, negotiate } from '../identity.js'
import { asObject, objectAt } from '../json-edit.js'
import { type Response, resultEnvelope, stripResponse } from '../legacy-result.js'
import { localError, localResult } from '../local-reply.js'
import { withMetaText } from '../modern-meta.js'
import { RPC } from '../protocol-error.js'
import { askClient } from './ask-client.js'
import { envelopeText } from './legacy-envelope.js'
import type { ModernServer } from './modern-listen.js'
import { followLists, subscribe, unsubscribe } from './modern-listen.js'

/** Rounds of asking back in one call, as the SDK's own shim has it. */
const MAX_ROUNDS = 8
/** A server that wants to be asked again without asking anything waits this long, in milliseconds. */
const STATE_ONLY_PAUSE_MS = 250
const ACCEPTED: UpstreamReply = { kind: 'accepted' }

/**
 * Legacy client, modern server: the session exists only here. Each request gets the envelope that the client's
 * `initialize` stands for; `input_required` becomes real requests to the client.
 */
export async function legacyOnModern(
  connection: ModernServer,
  identity: ServerIdentity,
  caller: LegacyCaller,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  const { session } = caller
  switch (message.envelope.method) {
    case 'initialize':
      session.hello = readHello(message)
      session.protocolVersion = negotiate(session.hello.protocolVersion)
      return localResult(message, initializeResult(identity, session.hello.protocolVersion))
    case 'notifications/initialized':
      followLists(listenedTo(connection, caller), identity, session)
      return ACCEPTED
    case 'notifications/roots/list_changed':
    case 'notifications/cancelled':
      return ACCEPTED
    case 'ping':
      return localResult(message, {})
    case 'logging/setLevel':
      return setLevel(session, message)
    case 'resources/subscribe':
      return subscribe(listenedTo(connection, caller), session, message, options)
    case 'resources/unsubscribe':
      return unsubscribe(session, message)
    default:
      return ask(connection, session, message, options)
  }
}

// All servers of a template where the caller can listen to them all; else the one at hand.
function listenedTo(connection: ModernServer, { listen }: LegacyCaller): ModernServer {
  return listen ? { modern: { era: 'modern', exchange: listen } } : connection
}

function setLevel(session: ClientSession, message: UpstreamMessage): UpstreamReply {
  const level = objectAt(message.body, message.envelope.params)?.['level']
  if (typeof level !== 'string')
    return localError(message, { code: RPC.invalidParams, message: 'level must be a string' }, 200)
  session.logLevel = level
  return localResult(message, {})
}

async function ask(
  connection: ModernServer,
  session: ClientSession,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  const exclusiveFor = session.logLevel === undefined ? undefined : session.context
  const modern = { ...withMetaText(message, envelopeText(session)), exclusiveFor }
  const reply = await connection.modern.exchange(modern, options)
  if (reply.kind === 'accepted') return reply
  const run = new AskedBackCall(connection, session, modern, options)
  if (reply.kind === 'complete') return run.afterComplete(reply, reply.status)
  return { kind: 'stream', pipe: (sink) => run.pipe(reply, sink), cancel: (reason) => reply.cancel(reason) }
}

/** One call that a modern server may answer with `input_required`, as often as {@link MAX_ROUNDS} allows. */
class AskedBackCall {
  readonly #connection: ModernServer
  readonly #session: ClientSession
  readonly #message: UpstreamMessage
  readonly #options: ExchangeOptions

  constructor(connection: ModernServer, session: ClientSession, message: UpstreamMessage, options: ExchangeOptions) {
    this.#connection = connection
    this.#session = session
    this.#message = message
    this.#options = options
  }

  /** The first answer is whole: done, unless it asks. Then the rest needs a stream to ask on. */
  afterComplete(response: Response, status: number): UpstreamReply {
    const found = resultEnvelope(response)
    const asked = inputRequired(response, found)
    if (!asked) {
      const { json, envelope } = stripResponse(response, found)
      return { kind: 'complete', json, envelope, status: legacyStatus(status) }
    }
    return { kind: 'stream', pipe: (sink) => this.#rounds(asked, sink), cancel: () => undefined }
  }

  /** The first answer is a stream: its notifications pass, its response may ask. */
  async pipe(reply: UpstreamReply & { kind: 'stream' }, sink: MessageSink): Promise<void> {
    const asked = await relay(reply, sink)
    if (asked) await this.#rounds(asked, sink)
  }

  async #rounds(first: InputRequired, sink: MessageSink): Promise<void> {
    let asked: InputRequired | undefined = first
    for (let round = 1; asked; round++) {
      if (round > MAX_ROUNDS) return this.#giveUp(sink)
      const responses = await this.#collect(asked, sink)
      asked = await this.#retry(responses, asked.requestState, sink)
    }
  }

  async #collect(asked: InputRequired, sink: MessageSink): Promise<Record<string, unknown>> {
    const requests = Object.entries(asked.inputRequests)
    if (requests.length === 0) await pause(STATE_ONLY_PAUSE_MS, this.#options.signal)
    const answers = requests.map(async ([key, request]) => [
      key,
      await askClient(this.#session, request, sink, this.#options.signal),
    ])
    return Object.fromEntries(await Promise.all(answers))
  }

  async #retry(
    responses: Record<string, unknown>,
    requestState: string | undefined,
    sink: MessageSink,
  ): Promise<InputRequired | undefined> {
    const message = withInput(this.#message, responses, requestState)
    const reply = await this.#connection.modern.exchange(message, this.#options)
    if (reply.kind === 'stream') return relay(reply, sink)
    if (reply.kind === 'accepted') return undefined
    return deliver(reply, sink)
  }

  async #giveUp(sink: MessageSink): Promise<void> {
    const error = { code: RPC.invalidRequest, message: `the server asked back more than ${MAX_ROUNDS} times` }
    const reply = localError(this.#message, error, 200)
    if (reply.kind === 'complete') await sink.message(reply.json, reply.envelope)
  }
}

interface InputRequired {
  readonly inputRequests: Readonly<Record<string, unknown>>
  readonly requestState: string | undefined
}

async function relay(reply: UpstreamReply & { kind: 'stream' }, sink: MessageSink): Promise<InputRequired | undefined> {
  let asked: InputRequired | undefined
  await reply.pipe({
    message: async (json, envelope) => {
      if (envelope.kind === 'response') asked = await deliver({ json, envelope }, sink)
      else await sink.message(json, envelope)
    },
  })
  return asked
}

// Hands a response to the client, unless it is a question.
async function deliver(response: Response, sink: MessageSink): Promise<InputRequired | undefined> {
  const found = resultEnvelope(response)
  const asked = inputRequired(response, found)
  if (asked) return asked
  const { json, envelope } = stripResponse(response, found)
  await sink.message(json, envelope)
  return undefined
}

function inputRequired(
  { json, envelope: { result } }: Response,
  found: ResultEnvelope | undefined,
): InputRequired | undefined {
  if (!result || found?.resultType !== 'input_required') return undefined
  const bytes = json.subarray(result.start, result.end)
  return { inputRequests: objectAt(bytes, found.inputRequests) ?? {}, requestState: found.requestState }
}

function withInput(
  message: UpstreamMessage,
  responses: Record<string, unknown>,
  requestState: string | undefined,
): UpstreamMessage {
  const whole = asObject(JSON.parse(message.body.toString())) ?? {}
  const params = {
    ...asObject(whole['params']),
    inputResponses: responses,
    ...(requestState === undefined ? {} : { requestState }),
  }
  const body = Buffer.from(JSON.stringify({ ...whole, params }))
  return { ...message, body, envelope: scanEnvelope(body) }
}

// 404 and 400 go with JSON-RPC errors in the modern era only; a legacy client would take 404 for a lost session.
function legacyStatus(status: number): number {
  return status >= 400 ? 200 : status
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
