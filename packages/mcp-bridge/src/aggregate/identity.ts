import type { ServerIdentity } from '@mcp-platform/mcp-upstream'
import { asObject } from '../json-edit.js'
import type { JsonObject } from '../json-object.js'
import { MODERN_VERSION } from '../versions.js'
import type { AggregatePart } from './part.js'

/** Capabilities that a client may rely on if any part has them. */
const JOINED = ['tools', 'prompts', 'resources', 'completions', 'logging'] as const
/**
 * Extensions that work through a gateway: pages of tools need `_meta` kept and `ui://` resources found, tasks need their
 * ids routed.
 */
const EXTENSIONS = ['io.modelcontextprotocol/ui', 'io.modelcontextprotocol/tasks'] as const

/**
 * What the aggregate says about itself: the union of what its parts can do, and their instructions under headings.
 * `growing`: parts may come and go, and that is announced.
 */
export function joinIdentities(
  serverInfo: ServerIdentity['serverInfo'],
  parts: readonly AggregatePart[],
  growing: boolean,
): ServerIdentity {
  const known = parts.flatMap(({ template, identity }) => (identity ? [{ template, identity }] : []))
  const capabilities = joinCapabilities([
    ...known.map(({ identity }) => identity.capabilities),
    ...(growing ? [GROWING] : []),
  ])
  const instructions = known
    .filter(({ identity }) => identity.instructions !== undefined)
    .map(({ template, identity }) => `## ${template}\n\n${identity.instructions}`)
    .join('\n\n')
  return {
    era: 'modern',
    protocolVersion: MODERN_VERSION,
    serverInfo,
    capabilities,
    ...(instructions === '' ? {} : { instructions }),
    result: {},
    learnedAt: new Date(),
  }
}

const GROWING: JsonObject = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true },
}

function joinCapabilities(all: readonly JsonObject[]): JsonObject {
  const joined: Record<string, unknown> = {}
  for (const name of JOINED) {
    const flags = all.map((one) => asObject(one[name])).filter((one) => one !== undefined)
    if (flags.length > 0) joined[name] = joinFlags(flags)
  }
  const extensions = EXTENSIONS.flatMap((name) => {
    const own = all.map((one) => asObject(one['extensions'])?.[name]).find((one) => one !== undefined)
    return own === undefined ? [] : [[name, own] as const]
  })
  return extensions.length === 0 ? joined : { ...joined, extensions: Object.fromEntries(extensions) }
}

// `listChanged` and `subscribe`: true if any part does it.
function joinFlags(all: readonly JsonObject[]): JsonObject {
  const names = new Set(all.flatMap((flags) => Object.keys(flags).filter((name) => flags[name] === true)))
  return Object.fromEntries([...names].map((name) => [name, true]))
}
