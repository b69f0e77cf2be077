import type { IncomingMessage, ServerResponse } from 'node:http'
import { asGatewayError, toProblem } from '../problem.js'
import type { FaceContext } from './context.js'
import { serveNative } from './native.js'
import { isSsePath } from './native-sse.js'
import { sendProblem } from './respond.js'
import { serveRest } from './rest.js'
import { parseMcpPath } from './rest-path.js'

/** The door of both faces: a further segment after the template is REST, none is the native endpoint. */
export async function serveMcp(
  context: FaceContext,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  try {
    const path = parseMcpPath(request.url ?? '')
    const { template } = path
    if (template !== undefined && isSsePath(path.operation)) {
      await serveNative(context, request, response, template, requestId, path.operation)
      return
    }
    if (template !== undefined && path.operation !== '') {
      await serveRest(context, request, response, { ...path, template }, requestId)
      return
    }
    await serveNative(context, request, response, template, requestId)
  } catch (error) {
    if (response.headersSent) response.destroy()
    else sendProblem(response, toProblem(asGatewayError(error), requestId), { 'x-request-id': requestId })
  }
}
