/**
 * Every path of the gateway's HTTP API. Functions encode what they are given.
 * @throws RangeError for a name that cannot be one segment of a path: empty, `.` or `..`
 */
export const paths = {
  /** Native MCP over all templates the caller may see. */
  mcpAll: '/mcp',
  /** Native MCP of one template. */
  mcp: (template: string): string => `/mcp/${segment(template)}`,
  toolsList: (template: string): string => `/mcp/${segment(template)}/tools/list`,
  toolsCall: (template: string): string => `/mcp/${segment(template)}/tools/call`,
  toolsBatch: (template: string): string => `/mcp/${segment(template)}/tools/batch`,
  resourcesList: (template: string): string => `/mcp/${segment(template)}/resources/list`,
  resourceTemplatesList: (template: string): string => `/mcp/${segment(template)}/resources/templates/list`,
  resourcesRead: (template: string): string => `/mcp/${segment(template)}/resources/read`,
  promptsList: (template: string): string => `/mcp/${segment(template)}/prompts/list`,
  promptsGet: (template: string): string => `/mcp/${segment(template)}/prompts/get`,
  complete: (template: string): string => `/mcp/${segment(template)}/completion/complete`,
  templateHealth: (template: string): string => `/mcp/${segment(template)}/health`,
  gatewayHealth: '/gateway/health',
  live: '/health/live',
  ready: '/health/ready',
  stats: '/gateway/stats',
  report: '/gateway/report',
  registry: '/gateway/registry',
  register: '/gateway/register',
  deregister: (template: string, instanceId: string): string =>
    `/gateway/deregister/${segment(template)}/${segment(instanceId)}`,
  templates: '/gateway/templates',
  template: (template: string): string => `/gateway/templates/${segment(template)}`,
  instance: (template: string, instanceId: string): string =>
    `/gateway/templates/${segment(template)}/instances/${segment(instanceId)}`,
  sync: '/gateway/sync',
  events: '/gateway/events',
  explain: '/gateway/explain',
  export: '/gateway/export',
  import: '/gateway/import',
  metrics: '/metrics',
  login: '/auth/login',
  refresh: '/auth/refresh',
  logout: '/auth/logout',
  me: '/auth/me',
  password: '/auth/password',
  users: '/auth/users',
  user: (name: string): string => `/auth/users/${segment(name)}`,
  apiKeys: '/auth/api-keys',
  apiKey: (id: string): string => `/auth/api-keys/${segment(id)}`,
  rotateApiKey: (id: string): string => `/auth/api-keys/${segment(id)}/rotate`,
  audit: '/auth/audit',
  auditVerify: '/auth/audit/verify',
  jwks: '/.well-known/jwks.json',
  /** Metadata of the gateway as an OAuth protected resource; that of a native path has the path behind it (RFC 9728). */
  protectedResource: '/.well-known/oauth-protected-resource',
  docs: '/docs',
  redoc: '/redoc',
  openapi: '/openapi.json',
} as const

function segment(name: string): string {
  // A URL parser resolves dot segments away, even encoded ones: the request would go somewhere else.
  if (/^\.{0,2}$/.test(name)) throw new RangeError(`${JSON.stringify(name)} cannot be part of a path`)
  return encodeURIComponent(name)
}
