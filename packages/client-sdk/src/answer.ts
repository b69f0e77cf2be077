import { PROBLEM_CONTENT_TYPE, type Problem } from '@mcp-platform/contract'
import type { OpenAnswer } from './connection.js'
import { BadAnswerError, errorOf, type GatewayError } from './errors.js'

/** Reads an answer that must be JSON; undefined for one without content (204). @throws the error that the answer is, or BadAnswerError */
export async function readJson(answer: OpenAnswer, maxBytes: number): Promise<unknown> {
  const text = await readText(answer, maxBytes)
  if (answer.status >= 400) throw failure(answer, text)
  if (answer.status >= 300) throw new BadAnswerError({ status: answer.status, detail: 'a redirect' })
  return answer.status === 204 ? undefined : parse(answer, text)
}

/** The problem document of an event or a batch as an error. */
export function problemError(value: unknown, status: number): GatewayError | BadAnswerError {
  if (isProblem(value)) return errorOf(value)
  return new BadAnswerError({ status, detail: 'an error without a problem document' })
}

async function readText({ body, status, scope }: OpenAnswer, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      // Leaving the loop destroys the body and with it the connection.
      if (size > maxBytes) throw new BadAnswerError({ status, detail: `larger than ${maxBytes} bytes` })
      chunks.push(chunk)
    }
  } catch (error) {
    throw scope.explain(error)
  }
  return Buffer.concat(chunks, size).toString('utf8')
}

function failure(answer: OpenAnswer, text: string): GatewayError | BadAnswerError {
  const { status, contentType } = answer
  const isJson = contentType === PROBLEM_CONTENT_TYPE || contentType === 'application/json'
  const value = isJson ? parse(answer, text) : undefined
  if (isProblem(value)) return errorOf(value)
  return new BadAnswerError({ status, detail: `${contentType || 'no content type'} instead of a problem document` })
}

function parse({ status }: OpenAnswer, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BadAnswerError({ status, detail: 'not JSON', cause })
  }
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false
  const { code, status, detail } = value as Partial<Problem>
  return typeof code === 'string' && typeof status === 'number' && typeof detail === 'string'
}
