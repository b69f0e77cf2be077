import { type BatchCall, type BatchResult, type CallResult, headerNames, paths } from '@mcp-platform/contract'
import { readJson } from './answer.js'
import type { Api, ApiCall, RequestOptions } from './api.js'
import { type CallListeners, followCall } from './call-stream.js'

/** How to call one tool. */
export interface CallToolOptions extends RequestOptions, CallListeners {
  /** Lets the gateway recognise a repeat of the same call (1 to 256 characters). */
  readonly idempotencyKey?: string | undefined
}

/** How to call several tools at once. */
export interface CallToolsOptions extends RequestOptions {
  /** How many run at the same time; absent: the gateway decides. */
  readonly concurrency?: number | undefined
}

/** The gateway answers this much before the client gives up, so that its richer error arrives. */
const MAX_HEAD_START_MS = 1_000

/** One tool, with progress if somebody listens. */
export function callTool(
  api: Api,
  template: string,
  body: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> },
  options: CallToolOptions,
): Promise<CallResult> {
  const { onProgress, onNotification, idempotencyKey } = options
  const streamed = onProgress !== undefined || onNotification !== undefined
  const call = {
    ...toolRequest(api, paths.toolsCall(template), body, options),
    accept: streamed ? 'text/event-stream, application/json' : 'application/json',
  }
  const keyed = idempotencyKey === undefined ? {} : { [headerNames.idempotencyKey]: idempotencyKey }
  const maxBytes = api.options.maxAnswerBytes
  return api.send({ ...call, headers: { ...call.headers, ...keyed } }, async (answer) => {
    if (answer.contentType === 'text/event-stream') return followCall(answer, options, maxBytes)
    return (await readJson(answer, maxBytes)) as CallResult
  })
}

/** 1 to 100 tools; one that fails, fails alone. */
export function callTools(
  api: Api,
  template: string,
  calls: readonly BatchCall[],
  options: CallToolsOptions,
): Promise<BatchResult> {
  const { concurrency } = options
  const body = { calls, ...(concurrency === undefined ? {} : { concurrency }) }
  return api.json(toolRequest(api, paths.toolsBatch(template), body, options))
}

function toolRequest(
  api: Api,
  path: string,
  body: unknown,
  options: RequestOptions,
): ApiCall & { readonly headers: Readonly<Record<string, string>> } {
  const bounds = api.bounds(options, api.options.callTimeoutMs)
  // Only a bound that the caller asked for: the standard one is for the template to decide.
  const headers = options.timeoutMs === undefined ? {} : { [headerNames.requestTimeout]: secondsFor(bounds.timeoutMs) }
  const retryClass = api.options.retryCalls ? 'call' : 'never'
  return { method: 'POST', path, body, headers, ...bounds, retryClass }
}

function secondsFor(timeoutMs: number): string {
  const headStart = Math.min(MAX_HEAD_START_MS, timeoutMs * 0.1)
  return ((timeoutMs - headStart) / 1_000).toFixed(3)
}
