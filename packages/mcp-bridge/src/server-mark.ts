import { createHash } from 'node:crypto'
import type { ServerIdentity, SessionInit } from '@mcp-platform/mcp-upstream'
import { asObject } from './json-edit.js'

/**
 * What the client was told in the answer to its `initialize` (protocol version, capabilities, name and version), in 22
 * characters: the same for the same facts, in whatever order their members come.
 */
export function serverMark({ protocolVersion, capabilities, serverInfo }: ServerIdentity): string {
  const facts = JSON.stringify(sorted([protocolVersion, capabilities, serverInfo]))
  return createHash('sha256').update(facts).digest('base64url').slice(0, 22)
}

/**
 * Whether the server may keep something of a session that its `initialize` does not bring back: subscriptions, a log
 * level, tasks, or a question that the client has not answered. An answer to `roots/list` fits any such question.
 */
export function mayRemember({ capabilities }: ServerIdentity, { capabilities: offered }: SessionInit): boolean {
  const subscribes = asObject(capabilities['resources'])?.['subscribe'] === true
  const remembers = subscribes || 'logging' in capabilities || 'tasks' in capabilities
  return remembers || 'sampling' in offered || 'elicitation' in offered
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  const members = asObject(value)
  if (!members) return value
  const names = Object.keys(members).sort()
  return names.map((name) => [name, sorted(members[name])])
}
