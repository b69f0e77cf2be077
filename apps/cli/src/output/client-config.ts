/** Programs whose configuration we know how to write. */
export const clientPrograms = ['claude', 'claude-desktop', 'cursor', 'vscode', 'windsurf', 'codex', 'generic'] as const

export type ClientProgram = (typeof clientPrograms)[number]

/** What a program needs to know. */
export interface Endpoint {
  /** What the program calls it. */
  readonly name: string
  readonly url: string
  /** Add a header with a placeholder for the credential. */
  readonly withCredential: boolean
}

/** A snippet, and where it goes. */
export interface ClientSnippet {
  readonly place: string
  readonly snippet: string
}

const PLACEHOLDER = 'Bearer YOUR_API_KEY'

const WRITERS: Readonly<Record<ClientProgram, (endpoint: Endpoint) => ClientSnippet>> = {
  claude: (endpoint) => ({ place: 'run', snippet: claudeCommand(endpoint) }),
  // Claude Desktop's file knows stdio servers only; mcp-remote bridges.
  'claude-desktop': (endpoint) => ({
    place: 'claude_desktop_config.json',
    snippet: json({ mcpServers: { [endpoint.name]: { command: 'npx', args: remoteArgs(endpoint) } } }),
  }),
  cursor: (endpoint) => ({
    place: '.cursor/mcp.json',
    snippet: json({ mcpServers: { [endpoint.name]: { url: endpoint.url, ...headers(endpoint) } } }),
  }),
  vscode: (endpoint) => ({
    place: '.vscode/mcp.json',
    snippet: json({ servers: { [endpoint.name]: { type: 'http', url: endpoint.url, ...headers(endpoint) } } }),
  }),
  windsurf: (endpoint) => ({
    place: '~/.codeium/windsurf/mcp_config.json',
    snippet: json({ mcpServers: { [endpoint.name]: { serverUrl: endpoint.url, ...headers(endpoint) } } }),
  }),
  codex: (endpoint) => ({ place: '~/.codex/config.toml', snippet: codexToml(endpoint) }),
  generic: (endpoint) => ({
    place: 'mcp.json',
    snippet: json({ mcpServers: { [endpoint.name]: { type: 'http', url: endpoint.url, ...headers(endpoint) } } }),
  }),
}

/** The text to paste into an MCP client so that it uses the gateway. */
export function clientSnippet(program: ClientProgram, endpoint: Endpoint): ClientSnippet {
  return WRITERS[program](endpoint)
}

function claudeCommand({ name, url, withCredential }: Endpoint): string {
  const header = withCredential ? ` --header "Authorization: ${PLACEHOLDER}"` : ''
  return `claude mcp add --transport http ${name} ${url}${header}`
}

function remoteArgs({ url, withCredential }: Endpoint): string[] {
  const header = withCredential ? ['--header', `Authorization: ${PLACEHOLDER}`] : []
  return ['-y', 'mcp-remote', url, ...header]
}

function codexToml({ name, url, withCredential }: Endpoint): string {
  const lines = [`[mcp_servers.${JSON.stringify(name)}]`, `url = ${JSON.stringify(url)}`]
  return [...lines, ...(withCredential ? ['bearer_token_env_var = "MCPP_API_KEY"'] : [])].join('\n')
}

function headers({ withCredential }: Endpoint): { headers?: Record<string, string> } {
  return withCredential ? { headers: { Authorization: PLACEHOLDER } } : {}
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2)
}
