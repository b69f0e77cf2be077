import type { CallResult, ContentBlock } from '@mcp-platform/contract'

/** A tool's result for people: its texts, what else there is in one line each, else the structured content. */
export function resultText({ content = [], structuredContent }: CallResult): string {
  if (content.length === 0) return structuredContent === undefined ? '' : JSON.stringify(structuredContent, null, 2)
  return content.map(blockText).join('\n')
}

/** One piece of content for people. Of a type that is not known, everything. */
export function blockText(block: ContentBlock): string {
  const { type, text, data, mimeType, uri, resource } = block
  if (type === 'text' && typeof text === 'string') return text
  if (typeof data === 'string') return `[${type} ${String(mimeType ?? '')}, ${base64Bytes(data)} bytes]`
  if (type === 'resource_link') return `[resource ${String(uri)}]`
  if (type === 'resource' && isTextResource(resource)) return resource.text
  return JSON.stringify(block, null, 2)
}

/** How many bytes a base64 text stands for. */
export function base64Bytes(text: string): number {
  return Buffer.from(text, 'base64').length
}

function isTextResource(resource: unknown): resource is { text: string } {
  return typeof resource === 'object' && resource !== null && 'text' in resource && typeof resource.text === 'string'
}
