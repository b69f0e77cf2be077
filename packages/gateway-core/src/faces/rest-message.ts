import { withMeta } from '@mcp-platform/mcp-bridge'
import { EnvelopeError, scanEnvelope, type UpstreamMessage } from '@mcp-platform/mcp-upstream'
import { GatewayError } from '../errors.js'
import type { RestMethod } from './rest-path.js'

const SUFFIX = Buffer.from('}')
const PREFIXES: ReadonlyMap<RestMethod, Buffer> = new Map(
  (['tools/call', 'resources/read', 'prompts/get', 'completion/complete'] as const).map((method) => [
    method,
    Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":`),
  ]),
)

interface Fault {
  readonly path: string
  readonly message: string
}

/**
 * Makes a JSON-RPC request of a REST body: the body is the `params` as they stand, so nothing is re-modelled and the
 * scanner reads exactly the bytes that go upstream.
 * @throws GatewayError REQUEST_MALFORMED, VALIDATION_FAILED with all faults
 */
export function toMessage(method: RestMethod, body: Buffer): UpstreamMessage {
  requireObject(method, body)
  const bytes = Buffer.concat([PREFIXES.get(method) ?? SUFFIX, body, SUFFIX])
  const message = { body: bytes, envelope: scan(bytes, bytes.length - body.length - SUFFIX.length) }
  requireNothingAfter(message)
  const faults = faultsOf(method, message)
  if (faults.length === 0) return message
  const [first] = faults
  throw new GatewayError('VALIDATION_FAILED', `the body of ${method} is not valid: ${first?.path} ${first?.message}`, {
    errors: faults,
  })
}

/** Asks for progress notifications of this call. */
export function withProgress(message: UpstreamMessage): UpstreamMessage {
  if (message.envelope.progressToken) return message
  return withMeta(message, { progressToken: 1 })
}

// Well-formed JSON that is no object is the caller's mistake about our API, not about JSON.
function requireObject(method: RestMethod, body: Buffer): void {
  const first = body.toString('latin1', 0, 64).trimStart()[0]
  if (first === '{' || !isJson(body)) return
  throw new GatewayError('VALIDATION_FAILED', `the body of ${method} must be a JSON object`, {
    errors: [{ path: '', message: 'must be a JSON object' }],
  })
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString())
    return true
  } catch {
    // Broken JSON is told apart by the scanner, which also says where.
    return false
  }
}

// A body such as `{…},"x":{…}` would close `params` and go on beside it: only the whole body may be `params`.
function requireNothingAfter({ body, envelope }: UpstreamMessage): void {
  const end = envelope.params?.end ?? 0
  if (body.toString('latin1', end, body.length - SUFFIX.length).trim() === '') return
  throw new GatewayError('REQUEST_MALFORMED', 'the body is not acceptable JSON: there is more after the object')
}

function scan(bytes: Buffer, offset: number): UpstreamMessage['envelope'] {
  try {
    return scanEnvelope(bytes)
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error
    const at = Math.max(0, error.offset - offset)
    throw new GatewayError(
      'REQUEST_MALFORMED',
      `the body is not acceptable JSON: ${error.detail} at byte ${at}`,
      {},
      error,
    )
  }
}

function faultsOf(method: RestMethod, { body, envelope }: UpstreamMessage): Fault[] {
  const faults: Fault[] = []
  const named = method === 'resources/read' ? 'uri' : 'name'
  if (method !== 'completion/complete' && !envelope[named])
    faults.push({ path: named, message: 'must be a non-empty string' })
  if (envelope.arguments && body[envelope.arguments.start] !== 0x7b)
    faults.push({ path: 'arguments', message: 'must be an object' })
  if (envelope.protocolVersion !== undefined)
    faults.push({ path: '_meta', message: 'must not carry the protocol envelope; the gateway writes it' })
  return faults
}
