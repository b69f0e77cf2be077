import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { errorCodes, PROBLEM_CONTENT_TYPE } from '@mcp-platform/contract'
import { systemCode } from '../errors.js'

/** Answers what could not be read as a request; there is no response object yet, so the bytes are written by hand. */
export function answerClientError(error: Error, socket: Duplex): void {
  if (!socket.writable || bytesWritten(socket) > 0) {
    socket.destroy()
    return
  }
  const fault = faultOf(systemCode(error))
  const requestId = randomUUID()
  const { title } = errorCodes[fault.code]
  const problem = {
    type: 'about:blank',
    title,
    status: fault.status,
    detail: fault.detail,
    code: fault.code,
    request_id: requestId,
  }
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${fault.status} ${fault.reason}`,
    `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

interface HeadFault {
  readonly status: number
  readonly reason: string
  readonly code: 'REQUEST_MALFORMED' | 'REQUEST_TIMEOUT'
  readonly detail: string
}

function faultOf(code: string | undefined): HeadFault {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const detail = 'the headers are larger than 16 KiB'
    return { status: 431, reason: 'Request Header Fields Too Large', code: 'REQUEST_MALFORMED', detail }
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const detail = 'the request took too long to arrive'
    return { status: 408, reason: 'Request Timeout', code: 'REQUEST_TIMEOUT', detail }
  }
  return { status: 400, reason: 'Bad Request', code: 'REQUEST_MALFORMED', detail: 'this is not an HTTP request' }
}

// In the middle of an answer another head would become part of its body.
function bytesWritten(socket: Duplex): number {
  return 'bytesWritten' in socket ? (socket as Socket).bytesWritten : 0
}
