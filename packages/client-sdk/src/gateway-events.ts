import { type GatewayEventWire, paths } from '@mcp-platform/contract'
import { readJson } from './answer.js'
import type { Api } from './api.js'
import type { OpenAnswer } from './connection.js'
import { BadAnswerError } from './errors.js'
import { readEvents } from './event-source.js'

/** Follows the gateway's events until the gateway ends the stream, the signal aborts or the loop is left. */
export async function* followEvents(api: Api, signal: AbortSignal | undefined): AsyncGenerator<GatewayEventWire> {
  const request = { method: 'GET', path: paths.events, accept: 'text/event-stream', signal } as const
  const answer = await api.authenticated(request, (opened) => requireEventStream(opened, api.options.maxAnswerBytes))
  for await (const { data } of readEvents(answer, api.options.maxAnswerBytes)) {
    const event = parseEvent(data, answer.status)
    if (event !== undefined) yield event
  }
}

async function requireEventStream(answer: OpenAnswer, maxBytes: number): Promise<OpenAnswer> {
  if (answer.status === 200 && answer.contentType === 'text/event-stream') return answer
  await readJson(answer, maxBytes)
  throw new BadAnswerError({ status: answer.status, detail: `${answer.contentType} instead of an event stream` })
}

function parseEvent(data: string, status: number): GatewayEventWire | undefined {
  try {
    const value: unknown = JSON.parse(data)
    return isEvent(value) ? value : undefined
  } catch (cause) {
    throw new BadAnswerError({ status, detail: 'an event that is not JSON', cause })
  }
}

function isEvent(value: unknown): value is GatewayEventWire {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}
