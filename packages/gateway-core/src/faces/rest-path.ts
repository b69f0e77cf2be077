import type { ListMethod } from '@mcp-platform/mcp-bridge'
import { GatewayError } from '../errors.js'

/** What a REST path asks for. */
export type RestOperation =
  | { readonly kind: 'list'; readonly http: 'GET'; readonly method: ListMethod }
  | { readonly kind: 'request'; readonly http: 'POST'; readonly method: RestMethod }
  | { readonly kind: 'batch'; readonly http: 'POST' }
  | { readonly kind: 'health'; readonly http: 'GET' }

export type RestMethod = 'tools/call' | 'resources/read' | 'prompts/get' | 'completion/complete'

const OPERATIONS: Readonly<Record<string, RestOperation>> = {
  'tools/list': { kind: 'list', http: 'GET', method: 'tools/list' },
  'tools/call': { kind: 'request', http: 'POST', method: 'tools/call' },
  'tools/batch': { kind: 'batch', http: 'POST' },
  'resources/list': { kind: 'list', http: 'GET', method: 'resources/list' },
  'resources/templates/list': { kind: 'list', http: 'GET', method: 'resources/templates/list' },
  'resources/read': { kind: 'request', http: 'POST', method: 'resources/read' },
  'prompts/list': { kind: 'list', http: 'GET', method: 'prompts/list' },
  'prompts/get': { kind: 'request', http: 'POST', method: 'prompts/get' },
  'completion/complete': { kind: 'request', http: 'POST', method: 'completion/complete' },
  health: { kind: 'health', http: 'GET' },
}

/** A path below `/mcp`: a template, and what is asked of it; no operation means the native endpoint. */
export interface McpPath {
  readonly template: string | undefined
  readonly operation: string
}

const TEMPLATE_NAME = /^[a-z0-9](?:[a-z0-9.-]|_(?!_)){0,31}$/

/**
 * Takes a request target apart. Names are matched as they stand: nothing that needs decoding can be a template's name,
 * so there is one spelling for each path and no way around a rule that is bound to it.
 * @throws GatewayError REQUEST_MALFORMED for a name that no template can have
 */
export function parseMcpPath(target: string): McpPath {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  if (path === '/mcp' || path === '/mcp/') return { template: undefined, operation: '' }
  const rest = path.slice('/mcp/'.length)
  const slash = rest.indexOf('/')
  const template = slash < 0 ? rest : rest.slice(0, slash)
  if (!isTemplateName(template)) {
    throw new GatewayError(
      'REQUEST_MALFORMED',
      `"${printable(template)}" cannot be a template: names have 1 to 32 of a-z 0-9 . - _`,
    )
  }
  return { template, operation: slash < 0 ? '' : rest.slice(slash + 1) }
}

/** @throws GatewayError ROUTE_NOT_FOUND, METHOD_NOT_ALLOWED */
export function requireOperation(path: McpPath, httpMethod: string): RestOperation {
  const operation = Object.hasOwn(OPERATIONS, path.operation) ? OPERATIONS[path.operation] : undefined
  if (!operation) {
    const known = Object.keys(OPERATIONS).join(', ')
    throw new GatewayError(
      'ROUTE_NOT_FOUND',
      `there is no operation "${printable(path.operation)}"; there are ${known}`,
    )
  }
  if (httpMethod === operation.http) return operation
  throw new GatewayError('METHOD_NOT_ALLOWED', `${path.operation} takes ${operation.http}, not ${httpMethod}`, {
    allow: operation.http,
  })
}

function isTemplateName(name: string): boolean {
  return TEMPLATE_NAME.test(name) && !name.endsWith('_') && !name.includes('..')
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64)
}
