import type { IncomingMessage } from 'node:http'
import { GatewayError } from '@mcp-platform/gateway-core'
import { parseStrictJson } from './strict-json.js'

const MAX_BYTES = 1_048_576
/** A body that is too large is read on and dropped up to here, so that the caller sees the answer and no reset. */
const MAX_DRAINED_BYTES = 16 * MAX_BYTES

/**
 * Reads the JSON body of a management request; undefined where there is none.
 * @throws GatewayError CONTENT_TYPE_UNSUPPORTED, CONTENT_ENCODING_UNSUPPORTED, BODY_TOO_LARGE, REQUEST_MALFORMED
 */
export async function readManagementBody(request: IncomingMessage): Promise<unknown> {
  if (!hasBody(request)) return undefined
  const bytes = await readBody(request)
  return bytes.length === 0 ? undefined : parseStrictJson(bytes)
}

/** Reads the body of a form. @throws GatewayError as {@link readManagementBody} */
export async function readFormBody(request: IncomingMessage): Promise<string> {
  const { 'content-encoding': encoding, 'content-length': length } = request.headers
  const refusal = encodingRefusal(encoding) ?? (Number(length ?? 0) > MAX_BYTES ? tooLarge() : undefined)
  if (refusal !== undefined) {
    drain(request)
    throw refusal
  }
  return (await collect(request)).toString('utf8')
}

function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': transfer } = request.headers
  return transfer !== undefined || (length !== undefined && length !== '0')
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const refusal = headRefusal(request)
  if (refusal !== undefined) {
    drain(request)
    throw refusal
  }
  return collect(request)
}

function headRefusal(request: IncomingMessage): GatewayError | undefined {
  const { 'content-encoding': encoding, 'content-type': type, 'content-length': length } = request.headers
  const badEncoding = encodingRefusal(encoding)
  if (badEncoding !== undefined) return badEncoding
  if (type === undefined || !/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type)) {
    const given = type === undefined ? 'none' : JSON.stringify(type)
    return new GatewayError('CONTENT_TYPE_UNSUPPORTED', `Content-Type must be application/json, got ${given}`)
  }
  return Number(length ?? 0) > MAX_BYTES ? tooLarge() : undefined
}

function encodingRefusal(encoding: string | undefined): GatewayError | undefined {
  if (encoding === undefined || encoding === 'identity') return undefined
  const message = `Content-Encoding ${JSON.stringify(encoding)} is not accepted; send the body as it is`
  return new GatewayError('CONTENT_ENCODING_UNSUPPORTED', message)
}

function collect(request: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  const take = (chunk: Buffer): void => {
    size += chunk.length
    if (size <= MAX_BYTES) return void chunks.push(chunk)
    request.off('data', take)
    drain(request)
    reject(tooLarge())
  }
  request.on('data', take)
  request.once('end', () => resolve(Buffer.concat(chunks)))
  request.once('error', () => reject(cutShort()))
  request.once('close', () => reject(cutShort()))
  return promise
}

function drain(request: IncomingMessage): void {
  let size = 0
  request.on('error', () => undefined)
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > MAX_DRAINED_BYTES) request.destroy()
  })
}

function tooLarge(): GatewayError {
  return new GatewayError('BODY_TOO_LARGE', `the body is larger than ${MAX_BYTES} bytes`)
}

function cutShort(): GatewayError {
  return new GatewayError('REQUEST_MALFORMED', 'the connection ended before the whole body had arrived')
}
