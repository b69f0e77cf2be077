const VERSION = '2026-07-28'
const PARAMS = { name: 'ping', arguments: { n: 'warm' } }
const META = {
  'io.modelcontextprotocol/protocolVersion': VERSION,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'warm-up', version: '1' },
}
const MODERN_HEADERS = ['accept: application/json, text/event-stream', `mcp-protocol-version: ${VERSION}`]

/** Whole HTTP requests that call a tool: by MCP and by REST, the former twice as often. */
export function sampleRequests(template: string, port: number): readonly string[] {
  const native = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...PARAMS, _meta: META } })
  const headers = [...MODERN_HEADERS, 'mcp-method: tools/call', 'mcp-name: ping']
  const byMcp = post(`/mcp/${template}`, port, headers, native)
  return [byMcp, byMcp, post(`/mcp/${template}/tools/call`, port, [], JSON.stringify(PARAMS))]
}

function post(path: string, port: number, headers: readonly string[], body: string): string {
  const own = ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`]
  return [`POST ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, ...headers, ...own, '', body].join('\r\n')
}
