import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { OpenAnswer } from './connection.js'
import { BadAnswerError } from './errors.js'

/**
 * Reads server-sent events as they come; reading slowly slows the server down. Leaving the loop ends the request.
 * @throws BadAnswerError for an event larger than `maxBytes`
 */
export async function* readEvents(
  answer: OpenAnswer,
  maxBytes: number,
): AsyncGenerator<EventSourceMessage, void, void> {
  const ready: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (event) => ready.push(event) })
  const decoder = new TextDecoder()
  let pending = 0
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      parser.feed(decoder.decode(chunk, { stream: true }))
      pending = ready.length > 0 ? 0 : pending + chunk.length
      if (pending > maxBytes)
        throw new BadAnswerError({ status: answer.status, detail: `an event over ${maxBytes} bytes` })
      yield* ready.splice(0)
    }
  } catch (error) {
    throw answer.scope.explain(error)
  }
}
