import type { LocalGateway } from '@mcp-platform/client'

/** What is known of a gateway that has started. */
export interface Started {
  readonly url: string
  readonly docsUrl: string
  readonly authEnabled: boolean
  /** No server is registered yet. @default true */
  readonly isFirst?: boolean | undefined
}

const FIRST_STEPS = [
  'Register a first server:',
  '  mcpp gateway register files --command "npx -y @modelcontextprotocol/server-filesystem ." --wait',
  '  mcpp gateway tools files',
  '',
]

/** What `gateway start` prints: where things are, and what to type first. */
export function startedText({ url, docsUrl, authEnabled, isFirst = true }: Started): string {
  return [
    `Gateway    ${url}`,
    `Docs       ${docsUrl}`,
    `MCP        ${new URL('/mcp', url)} (all servers), ${new URL('/mcp/NAME', url)} (one)`,
    '',
    ...(isFirst ? FIRST_STEPS : []),
    authText(authEnabled),
  ].join('\n')
}

/** What `gateway start --background` prints. */
export function backgroundText(running: LocalGateway & Omit<Started, 'docsUrl'>): string {
  const docsUrl = new URL('/docs', running.managementUrl ?? running.url).href
  return [
    startedText({ ...running, docsUrl }),
    '',
    `Runs in the background as process ${running.pid}.`,
    'See it: mcpp gateway status   Follow its log: mcpp gateway logs -f   Stop it: mcpp gateway stop',
  ].join('\n')
}

function authText(authEnabled: boolean): string {
  if (authEnabled) {
    return [
      'Authentication is on: every request needs a credential. No rate limit is set for authenticated calls.',
      'Make the first administrator here: mcpp gateway create-user admin --role admin',
    ].join('\n')
  }
  return 'Authentication is off: every local user may call tools, changes need the admin token. --auth switches it on.'
}
