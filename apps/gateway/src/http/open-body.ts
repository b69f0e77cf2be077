import { paths } from '@mcp-platform/contract'
import { GatewayError } from '@mcp-platform/gateway-core'
import type { RequestHandler } from 'express'
import { readFormBody, readManagementBody } from './management-body.js'

const OPEN: ReadonlySet<string> = new Set([paths.login, paths.refresh])
const FORM = /^application\/x-www-form-urlencoded\s*(;|$)/i
// What OAuth clients send along and what changes nothing here.
const IGNORED: ReadonlySet<string> = new Set(['grant_type', 'scope', 'client_secret'])

/** Reads the bodies of the paths that are open to strangers; all others are read after the caller is known. */
export const openBodies: RequestHandler = (request, _response, next) => {
  if (request.method !== 'POST' || !OPEN.has(request.path)) return next()
  const isForm = FORM.test(request.headers['content-type'] ?? '')
  const body = isForm ? readFormBody(request).then(fieldsOf) : readManagementBody(request)
  body.then((value) => {
    request.body = value
    next()
  }, next)
}

function fieldsOf(text: string): Record<string, string> {
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name))
      throw new GatewayError('REQUEST_MALFORMED', `the field ${JSON.stringify(name)} is given twice`)
    if (!IGNORED.has(name)) fields.set(name === 'client_id' ? 'client' : name, value)
  }
  return Object.fromEntries(fields)
}
