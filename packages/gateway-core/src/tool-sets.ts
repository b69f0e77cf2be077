import { createHash } from 'node:crypto'
import type { ListItem } from '@mcp-platform/mcp-bridge'

/** What one instance offers, as far as calls and failover depend on it. */
export interface ToolSet {
  /** Of names, schemas and annotations, in any order; texts and icons for people do not count. */
  readonly hash: string
  readonly names: ReadonlySet<string>
}

/** The members of a tool that say how it is called and what it does. */
const MEMBERS = ['name', 'inputSchema', 'outputSchema', 'annotations'] as const

export function toolSetOf(tools: readonly ListItem[]): ToolSet {
  const texts = tools.map((tool) => JSON.stringify(MEMBERS.map((member) => inOrder(tool[member])))).toSorted()
  const names = tools.map(({ name }) => name).filter((name) => typeof name === 'string')
  return { hash: createHash('sha256').update(texts.join('\n')).digest('base64url'), names: new Set(names) }
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, inOrder(member)]))
}

/**
 * The tool sets of a template's instances side by side (MCP.md rule 8). While they agree, or are not known, nothing is
 * left out; {@link ToolSets.differ} is all that a call looks at then.
 */
export class ToolSets {
  readonly #sets = new Map<string, ToolSet>()
  #differ = false
  #fingerprint = ''

  /** True while instances offer different tools. */
  get differ(): boolean {
    return this.#differ
  }

  /** Notes what an instance offers. True if what is known of the template has changed between agreeing and differing, or how it differs. */
  learn(id: string, set: ToolSet): boolean {
    this.#sets.set(id, set)
    return this.#compare()
  }

  /** Forgets instances that are gone. True as {@link ToolSets.learn}. */
  keepOnly(ids: ReadonlySet<string>): boolean {
    for (const id of this.#sets.keys()) if (!ids.has(id)) this.#sets.delete(id)
    return this.#compare()
  }

  /** True if some instance lists the tool. */
  isListed(tool: string): boolean {
    return [...this.#sets.values()].some(({ names }) => names.has(tool))
  }

  /** Instances that do not list the tool, if another one does: a tool that none lists may be there for some callers only. */
  lacking(tool: string): readonly string[] {
    if (!this.isListed(tool)) return []
    return [...this.#sets].filter(([, { names }]) => !names.has(tool)).map(([id]) => id)
  }

  #compare(): boolean {
    const hashes = new Set([...this.#sets.values()].map(({ hash }) => hash))
    this.#differ = hashes.size > 1
    const fingerprint = this.#differ
      ? [...this.#sets]
          .map(([id, { hash }]) => `${id} ${hash}`)
          .toSorted()
          .join('\n')
      : ''
    const changed = fingerprint !== this.#fingerprint
    this.#fingerprint = fingerprint
    return changed
  }
}
