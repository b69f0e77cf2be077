import { GatewayError } from '@mcp-platform/gateway-core'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import { RegisterRoutes } from '../generated/routes.js'
import { allowedMethods } from './allowed-methods.js'
import { documentation, readOpenApi } from './docs.js'
import { openBodies } from './open-body.js'
import { refusalOf } from './refusal.js'
import { requestIdOf } from './request-id.js'
import { sendError } from './send-problem.js'
import type { Services } from './services.js'

/** What the app tells its observer. */
export type AppEvent =
  | {
      readonly type: 'request'
      readonly requestId: string
      readonly method: string
      readonly path: string
      readonly status: number
      readonly durationMs: number
    }
  | {
      readonly type: 'request-failed'
      readonly requestId: string
      readonly method: string
      readonly path: string
      readonly error: unknown
    }

/** Everything but MCP traffic: management, health, documentation. */
export function createApp(services: Services, onEvent: (event: AppEvent) => void): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', false)
  app.set('query parser', 'simple')
  app.locals['services'] = services
  app.use(identify(onEvent))
  app.get('/', (_request, response) => response.redirect('/docs/'))
  const document = readOpenApi()
  app.use(documentation(document))
  app.use(openBodies)
  RegisterRoutes(app)
  app.use(notFound(allowedMethods(document)))
  app.use(failed(services, onEvent))
  return app
}

function identify(onEvent: (event: AppEvent) => void): RequestHandler {
  return (request, response, next) => {
    const requestId = requestIdOf(request)
    const startedAt = performance.now()
    response.locals['requestId'] = requestId
    response.setHeader('X-Request-Id', requestId)
    response.once('close', () => {
      const { method, path } = request
      onEvent({
        type: 'request',
        requestId,
        method,
        path,
        status: response.statusCode,
        durationMs: performance.now() - startedAt,
      })
    })
    next()
  }
}

function notFound(methodsOf: (path: string) => string[]): RequestHandler {
  return (request, _response, next) => {
    const { method, path } = request
    const allowed = methodsOf(path)
    if (allowed.length === 0) {
      next(new GatewayError('ROUTE_NOT_FOUND', `there is nothing at ${path}; /docs lists what there is`))
      return
    }
    const allow = allowed.join(', ')
    next(new GatewayError('METHOD_NOT_ALLOWED', `${method} is not possible here; ${allow} is`, { allow }))
  }
}

// Express knows an error handler by its four parameters.
function failed(services: Services, onEvent: (event: AppEvent) => void): ErrorRequestHandler {
  return (thrown, request, response, _next) => {
    const requestId = String(response.locals['requestId'])
    const { method, path } = request
    const error = refusalOf(thrown, request, services, requestId)
    if (error.code === 'INTERNAL') onEvent({ type: 'request-failed', requestId, method, path, error: thrown })
    request.resume()
    sendError(response, error, requestId)
  }
}
