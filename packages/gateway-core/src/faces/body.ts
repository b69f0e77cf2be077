import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../errors.js'

/**
 * Reads a JSON request body whole, so that a repeat on another instance sends exactly the same bytes.
 * @throws GatewayError CONTENT_TYPE_UNSUPPORTED, CONTENT_ENCODING_UNSUPPORTED, BODY_TOO_LARGE, REQUEST_MALFORMED
 */
export function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  requireJson(request)
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) return Promise.reject(tooLarge(maxBytes))
  return new Promise((resolve, reject) => collect(request, maxBytes, resolve, reject))
}

function requireJson(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new GatewayError(
      'CONTENT_ENCODING_UNSUPPORTED',
      `Content-Encoding "${encoding}" is not accepted; send the body as it is`,
    )
  }
  const type = request.headers['content-type']
  // What nearly every client writes.
  if (type === 'application/json') return
  if (type !== undefined && /^application\/json\s*(;|$)/i.test(type)) return
  throw new GatewayError(
    'CONTENT_TYPE_UNSUPPORTED',
    `Content-Type must be application/json, got ${type ? `"${type}"` : 'none'}`,
  )
}

function collect(
  request: IncomingMessage,
  maxBytes: number,
  resolve: (body: Buffer) => void,
  reject: (error: unknown) => void,
): void {
  const chunks: Buffer[] = []
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= maxBytes) chunks.push(chunk)
    else {
      request.pause()
      reject(tooLarge(maxBytes))
    }
  })
  request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)))
  request.on('error', reject)
  request.on('close', () => {
    if (!request.complete)
      reject(new GatewayError('REQUEST_MALFORMED', 'the request body ended before its announced length'))
  })
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('BODY_TOO_LARGE', `the request body is larger than the ${maxBytes} bytes accepted here`)
}
