import type { BatchItem, FieldError } from '@mcp-platform/contract'
import { newTrace } from '../call.js'
import { GatewayError } from '../errors.js'
import { toProblem } from '../problem.js'
import { readJsonBody } from './body.js'
import { sendJson } from './respond.js'
import { type RestExchange, resultOf, toCall } from './rest-exchange.js'
import { toMessage } from './rest-message.js'

const MAX_CALLS = 100
const DEFAULT_CONCURRENCY = 8

interface BatchCall {
  readonly id: string
  readonly body: Buffer
}

/** `POST tools/batch`: up to 100 calls, each through the whole pipeline on its own; one that fails, fails alone. */
export async function runBatch(exchange: RestExchange): Promise<void> {
  const { context, principal, template, requestId, trace } = exchange
  const from = { requestId, address: trace.address }
  context.authorizer.require(principal, { scope: 'tools:call', template }, from)
  const body = await readJsonBody(exchange.request, exchange.context.maxBodyBytes)
  const { calls, concurrency } = parseBatch(body)
  const results = await inOrder(calls, concurrency, (call) => runOne(exchange, call))
  sendJson(exchange.response, 200, JSON.stringify({ results }), { 'x-request-id': exchange.requestId })
}

async function runOne(exchange: RestExchange, { id, body }: BatchCall): Promise<BatchItem> {
  try {
    const call = toCall(exchange, toMessage('tools/call', body), newTrace(exchange.trace.address))
    const result = await resultOf(await exchange.context.pipeline.run(call), call)
    return { id, ok: true, result: JSON.parse(result.toString()) }
  } catch (error) {
    if (exchange.scope.signal.aborted && exchange.response.destroyed) throw error
    return { id, ok: false, error: toProblem(error, exchange.requestId) }
  }
}

async function inOrder<T, R>(items: readonly T[], concurrency: number, run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await run(items[index] as T)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
  return results
}

function parseBatch(body: Buffer): { calls: BatchCall[]; concurrency: number } {
  const batch = parseObject(body)
  const errors: FieldError[] = []
  const { calls, concurrency = DEFAULT_CONCURRENCY, ...unknown } = batch
  for (const name of Object.keys(unknown)) errors.push({ path: name, message: 'is not known here' })
  if (!Array.isArray(calls) || calls.length < 1 || calls.length > MAX_CALLS) {
    errors.push({ path: 'calls', message: `must be an array of 1 to ${MAX_CALLS} calls` })
  }
  if (!isConcurrency(concurrency))
    errors.push({ path: 'concurrency', message: `must be an integer from 1 to ${MAX_CALLS}` })
  const parsed = Array.isArray(calls) ? calls.map((call, index) => toBatchCall(call, index, errors)) : []
  if (errors.length > 0)
    throw new GatewayError('VALIDATION_FAILED', `the batch is not valid: ${errors[0]?.path} ${errors[0]?.message}`, {
      errors,
    })
  return { calls: parsed, concurrency: Number(concurrency) }
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch (error) {
    throw new GatewayError('REQUEST_MALFORMED', 'the body is not JSON', {}, error)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new GatewayError('VALIDATION_FAILED', 'the body must be an object with "calls"')
}

function toBatchCall(call: unknown, index: number, errors: FieldError[]): BatchCall {
  const path = `calls[${index}]`
  if (typeof call !== 'object' || call === null || Array.isArray(call)) {
    errors.push({ path, message: 'must be an object with "name" and "arguments"' })
    return { id: String(index), body: Buffer.alloc(0) }
  }
  const { id = String(index), ...params }: { id?: unknown; name?: unknown } = call
  if (typeof id !== 'string') errors.push({ path: `${path}.id`, message: 'must be a string' })
  if (typeof params.name !== 'string' || params.name === '')
    errors.push({ path: `${path}.name`, message: 'must be a non-empty string' })
  return { id: String(id), body: Buffer.from(JSON.stringify(params)) }
}

function isConcurrency(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_CALLS
}
